"""The page in headless Chromium: no error, all pictures load, nothing overflows at phone width."""

from pathlib import Path

import pytest
from factories.chromium import look_at

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1200])
def test_report_in_a_browser_fits_without_errors(report: Path, tmp_path: Path, width: int) -> None:
    seen = look_at(report / "index.html", tmp_path, width)
    assert seen["console"] == []
    assert seen["width"] == width
    assert seen["pictures"] > 10 and seen["broken"] == []
    assert (seen["scroll"], seen["outside"]) == (width, [])
    assert (seen["unreachable"], seen["ringless"], seen["larger"]) == ([], [], [])


def test_report_on_paper_keeps_pairs_side_by_side(report: Path, tmp_path: Path) -> None:
    page = tmp_path / "printed.html"
    text = (report / "index.html").read_text(encoding="utf-8")
    assert text.count("@media print") == 1
    page.write_text(text.replace("@media print", "@media all"), encoding="utf-8")
    (tmp_path / "work").mkdir()
    seen = look_at(page, tmp_path / "work", 718)  # A4 between Chromium's margins
    assert (seen["larger"], seen["below"], seen["outside"]) == ([], 0, [])
