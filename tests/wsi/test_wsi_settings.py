import subprocess
import sys

import pytest
from factories.parameters import changed_params
from factories.slide_cohort import index_settings

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import parse_section
from pathgen.wsi.settings import IndexSettings

GOOD = index_settings().model_dump()


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("patch_px", 0),
        ("stride_px", 1.5),
        ("mpp_tolerance", 1.0),
        ("min_tissue_fraction", 1.01),
        ("tissue.method", "otsu_hue"),
        ("tissue.thumbnail_mpp", 64.1),
        ("tissue.black_below", 256),
        ("annotations.groups", {"Necrosis": "normal"}),
        ("annotations.groups", {"Necrosis": "ignore", "necrosis ": "lesion"}),
        ("surplus", 1),
        ("patch_px", 8),  # smaller than a pixel of the thumbnail
        ("tissue.pen_min_width_um", 11.9),  # narrower than three pixels of it
    ],
)
def test_index_settings_invalid_values_are_named(where: str, value: object) -> None:
    bad = changed_params({**GOOD, "surplus": 0} if where == "surplus" else GOOD, {where: value})
    with pytest.raises(PathgenErrors, match=where.rsplit(".", 1)[-1]) as caught:
        parse_section({"index": bad}, "index", IndexSettings)
    assert "index" in str(caught.value)


def test_index_settings_import_nothing_heavy() -> None:
    heavy = {"openslide", "torch", "shapely", "tifffile", "mlflow"}
    code = f"import sys, pathgen.wsi.settings; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
