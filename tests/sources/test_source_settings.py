"""The section `cohort`, checked with the settings class of its source."""

import subprocess
import sys
from typing import Any

import pytest

from pathgen.core import layout
from pathgen.core.errors import PathgenErrors
from pathgen.sources.pcam import PcamSettings
from pathgen.sources.source_discovery import load_source, parse_cohort, source_names

_FOLDER = {"source": "patch_folder", "root": "x"}
_BASE = {"on_bad_slide": "stop", "use_unannotated_tissue": False}


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"source": "slide_csv", "root": "x"}, "cohort.slide_csv"),
        ({"source": "pcam", "pcam": {"crop_px": 64}}, "cohort.root"),
        ({"source": "phantom"}, "cohort.phantom"),
        (
            {"source": "patch_folder", "root": "x", "patch_folder": {"slide_pattern": "("}},
            "cohort.patch_folder",
        ),
        (
            {"source": "patch_folder", "root": "x", "patch_folder": {"slide_pattern": ".*"}},
            "cohort.patch_folder",
        ),
        ({"source": "pcam", "root": "x", "pcam": {"crop_px": 97}}, "cohort.pcam.crop_px"),
        ({"source": "pcam", "root": "x", "pcam": {"crop_px": 64, "colour": 1}}, "cohort.pcam.colour"),
        ({"source": "base", "root": "x"}, "cohort.source"),
        ({"source": "camelyon16", "root": "x", "mpp_if_missing": 0.0}, "cohort.mpp_if_missing"),
        ({"source": "camelyon16", "root": "x", "colour": 1}, "cohort.colour"),
        ({"source": "camelyon16", "root": "x", "pcam": {"crop_px": 64}}, "cohort.pcam"),
    ],
)
def test_parse_cohort_names_the_wrong_setting(change: dict[str, Any], subject: str) -> None:
    with pytest.raises(PathgenErrors) as problem:
        parse_cohort({"cohort": {**_BASE, **change}})
    assert [error.subject for error in problem.value.errors] == [f"params.yaml: {subject}"]


def test_parse_cohort_names_all_problems_at_once() -> None:
    with pytest.raises(PathgenErrors) as problem:
        parse_cohort({"cohort": {"source": "phantom", "root": "x", "phantom": {"seed": -1}}})
    subjects = {error.subject.removeprefix("params.yaml: ") for error in problem.value.errors}
    assert {"cohort.on_bad_slide", "cohort.root", "cohort.phantom.seed", "cohort.phantom.mpp"} <= subjects


def test_cohort_settings_hold_the_settings_of_their_source() -> None:
    settings = parse_cohort({"cohort": {**_BASE, "source": "pcam", "root": "x", "pcam": {"crop_px": 64}}})
    assert settings.own(PcamSettings).crop_px == 64
    assert settings.folder.as_posix() == "x"


def test_sources_are_discovered_by_file() -> None:
    assert source_names() == ["camelyon16", "patch_folder", "pcam", "phantom", "slide_csv"]
    slides = [name for name in source_names() if load_source(name).has_slides]
    assert slides == ["camelyon16", "phantom", "slide_csv"]


def test_phantom_root_is_fixed() -> None:
    assert load_source("phantom").makes_data
    settings = parse_cohort({"cohort": {**_BASE, "source": "camelyon16", "root": "x"}})
    assert settings.model_copy(update={"root": None}).folder == layout.PHANTOM


def test_cohort_settings_import_nothing_heavy() -> None:
    heavy = "{'torch', 'mlflow', 'openslide', 'pandas', 'h5py', 'PIL', 'shapely'}"
    modules = "pathgen.sources.settings, pathgen.patches.settings"
    code = f"import sys; import {modules}; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
