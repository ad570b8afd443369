from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.wsi.reader import level0_mpp

SLIDE = Path("slide.svs")


def test_what_openslide_says_goes_first() -> None:
    properties = {
        "openslide.mpp-x": "0.25",
        "openslide.mpp-y": "0.26",
        "tiff.XResolution": "20000",
        "tiff.YResolution": "20000",
        "tiff.ResolutionUnit": "centimeter",
    }
    assert level0_mpp(SLIDE, properties, 1.0) == (0.25, 0.26)
    del properties["openslide.mpp-y"]
    assert level0_mpp(SLIDE, properties, 1.0) == (0.25, 0.5)


@pytest.mark.parametrize(("unit", "dots"), [("centimeter", "40000"), ("inch", "101600")])
def test_tiff_tags_go_second(unit: str, dots: str) -> None:
    tags = {"tiff.XResolution": dots, "tiff.YResolution": dots, "tiff.ResolutionUnit": unit}
    assert level0_mpp(SLIDE, tags, None) == (0.25, 0.25)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"openslide.mpp-x": "0.25"},
        {"openslide.mpp-x": "0", "openslide.mpp-y": "0"},
        {"openslide.mpp-x": "nan", "openslide.mpp-y": "inf"},
        {"openslide.mpp-x": "fine", "openslide.mpp-y": "fine"},
        {"tiff.XResolution": "72", "tiff.YResolution": "72", "tiff.ResolutionUnit": "inch"},
        {"tiff.XResolution": "0", "tiff.YResolution": "0", "tiff.ResolutionUnit": "inch"},
        {"tiff.XResolution": "40000", "tiff.YResolution": "40000", "tiff.ResolutionUnit": "none"},
    ],
)
def test_what_is_no_resolution_does_not_count(properties: dict[str, str]) -> None:
    with pytest.raises(PathgenError, match=r"slide\.svs.*cohort\.mpp_if_missing"):
        level0_mpp(SLIDE, properties, None)
    assert level0_mpp(SLIDE, properties, 0.5) == (0.5, 0.5)
