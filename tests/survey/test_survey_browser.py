"""The page of the cohort in headless Chromium: no error, all pictures load, it fits a phone."""

from pathlib import Path

import pytest
from factories.chromium import look_at
from factories.cohort import Made, survey, write_containers

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1200])
def test_cohort_in_a_browser(surveyed: Made, tmp_path: Path, width: int) -> None:
    seen = look_at(surveyed.out / "index.html", tmp_path, width)
    assert seen["console"] == []
    assert seen["width"] == width
    assert seen["pictures"] > 10 and seen["broken"] == []
    assert (seen["scroll"], seen["outside"]) == (width, [])
    assert (seen["unreachable"], seen["ringless"]) == ([], [])


def test_sets_of_patches_in_a_browser(tmp_path: Path) -> None:
    survey(write_containers(tmp_path / "data"), tmp_path / "cohort")
    seen = look_at(tmp_path / "cohort" / "index.html", tmp_path, 390)
    assert (seen["console"], seen["broken"], seen["outside"], seen["scroll"]) == ([], [], [], 390)
