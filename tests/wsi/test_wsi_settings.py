import copy
import subprocess
import sys
from typing import Any

import pytest

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import parse_section
from pathgen.wsi.settings import IndexSettings

GOOD: dict[str, Any] = {
    "patch_px": 256,
    "stride_px": 256,
    "mpp": 0.25,
    "mpp_tolerance": 0.1,
    "min_tissue_fraction": 0.5,
    "tissue": {
        "method": "otsu_saturation",
        "thumbnail_mpp": 8.0,
        "min_saturation": 0.05,
        "black_below": 40,
        "opening_um": 0.0,
        "closing_um": 0.0,
    },
    "annotations": {"unknown_group": "refuse", "without_area": "refuse"},
}


def test_good_settings_pass() -> None:
    assert parse_section({"index": GOOD}, "index", IndexSettings).tissue.thumbnail_mpp == 8.0


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("patch_px",), 0),
        (("stride_px",), 1.5),
        (("mpp_tolerance",), 1.0),
        (("min_tissue_fraction",), 1.01),
        (("tissue", "method"), "otsu_hue"),
        (("tissue", "thumbnail_mpp"), 64.1),
        (("tissue", "black_below"), 256),
        (("annotations", "unknown_group"), "normal"),
        (("surplus",), 1),
    ],
)
def test_bad_values_are_named(where: tuple[str, ...], value: object) -> None:
    bad = copy.deepcopy(GOOD)
    section = bad
    for part in where[:-1]:
        section = section[part]
    section[where[-1]] = value
    with pytest.raises(PathgenErrors) as caught:
        parse_section({"index": bad}, "index", IndexSettings)
    assert "index." + ".".join(where) in str(caught.value)


def test_a_picture_too_coarse_for_the_patches_is_refused() -> None:
    with pytest.raises(PathgenErrors, match="coarser than a whole patch"):
        parse_section({"index": {**GOOD, "patch_px": 16}}, "index", IndexSettings)


def test_settings_import_nothing_heavy() -> None:
    heavy = {"openslide", "torch", "shapely", "tifffile", "mlflow"}
    code = f"import sys, pathgen.wsi.settings; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_pen_mark_is_more_than_a_pixel_or_two() -> None:
    params = copy.deepcopy({"index": GOOD})
    params["index"]["tissue"]["pen_min_width_um"] = 24.0
    assert parse_section(params, "index", IndexSettings).tissue.pen_min_width_um == 24
    params["index"]["tissue"]["pen_min_width_um"] = 23.9
    with pytest.raises(PathgenErrors, match="less than three pixels"):
        parse_section(params, "index", IndexSettings)
