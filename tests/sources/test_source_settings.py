"""The section `cohort`."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from pathgen.sources.settings import CohortSettings

_BASE = {"on_bad_slide": "stop", "use_unannotated_tissue": False}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "slides", "root": "x"}, "needs its own sub-section cohort.slides"),
        ({"source": "pcam", "pcam": {"crop_px": 64}}, "root must name the folder"),
        ({"source": "phantom", "root": "x", "phantom": None}, "needs its own sub-section cohort.phantom"),
        ({"source": "patches", "root": "x", "patches": {"slide_pattern": "("}}, "no regular expression"),
        ({"source": "patches", "root": "x", "patches": {"slide_pattern": "(.*)"}}, "no group"),
        ({"source": "pcam", "root": "x", "pcam": {"crop_px": 97}}, "less than or equal to 96"),
        ({"source": "somewhere", "root": "x"}, "'phantom', 'camelyon16', 'slides', 'pcam' or 'patches'"),
        ({"source": "camelyon16", "root": "x", "mpp_if_missing": 0.0}, "greater than"),
        ({"source": "camelyon16", "root": "x", "colour": 1}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused(change: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CohortSettings.model_validate({**_BASE, **change})


def test_sub_sections_of_other_sources_may_stay() -> None:
    settings = CohortSettings.model_validate(
        {**_BASE, "source": "camelyon16", "root": "slides/here", "pcam": {"crop_px": 64}}
    )
    assert settings.folder.as_posix() == "slides/here"


def test_settings_load_nothing_heavy() -> None:
    heavy = "{'torch', 'mlflow', 'openslide', 'pandas', 'h5py', 'PIL', 'shapely'}"
    modules = "pathgen.sources.settings, pathgen.patches.settings"
    code = f"import sys; import {modules}; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
