"""The page in headless Chromium: no error, all pictures load, nothing sticks out at phone width."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "webpage"))
from in_chromium import look_at

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1200])
def test_page_in_a_browser(report: Path, tmp_path: Path, width: int) -> None:
    seen = look_at(report / "index.html", tmp_path, width)
    assert seen["console"] == []
    assert seen["width"] == width
    assert (seen["pictures"], seen["broken"]) == (26, [])
    assert (seen["scroll"], seen["outside"]) == (width, [])
    assert (seen["unreachable"], seen["ringless"], seen["larger"]) == ([], [], [])


def test_page_on_paper(report: Path, tmp_path: Path) -> None:
    page = tmp_path / "printed.html"
    text = (report / "index.html").read_text(encoding="utf-8")
    assert text.count("@media print") == 1
    page.write_text(text.replace("@media print", "@media all"), encoding="utf-8")
    (tmp_path / "work").mkdir()
    seen = look_at(page, tmp_path / "work", 718)  # A4 between Chromium's margins
    assert (seen["larger"], seen["below"], seen["outside"]) == ([], 0, [])
