from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.wsi.reader import level0_mpp

SLIDE = Path("slide.svs")


TAGS = {"tiff.XResolution": "20000", "tiff.YResolution": "20000", "tiff.ResolutionUnit": "centimeter"}


@pytest.mark.parametrize(
    ("properties", "mpp"),
    [
        (TAGS | {"openslide.mpp-x": "0.25", "openslide.mpp-y": "0.26"}, (0.25, 0.26)),
        (TAGS | {"openslide.mpp-x": "0.25"}, (0.25, 0.5)),
        (TAGS, (0.5, 0.5)),
        (TAGS | {"tiff.XResolution": "101600", "tiff.ResolutionUnit": "inch"}, (0.25, 1.27)),
    ],
)
def test_mpp_of_openslide_has_priority(properties: dict[str, str], mpp: tuple[float, float]) -> None:
    assert level0_mpp(SLIDE, properties, 1.0) == pytest.approx(mpp)


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
def test_mpp_invalid_value_is_ignored(properties: dict[str, str]) -> None:
    with pytest.raises(PathgenError, match=r"slide\.svs.*cohort\.mpp_if_missing"):
        level0_mpp(SLIDE, properties, None)
    assert level0_mpp(SLIDE, properties, 0.5) == (0.5, 0.5)
