"""A study is stale exactly when something that shaped it has changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pathgen.core.params import parse_section, read_params
from pathgen.provenance.code_hash import ROOT
from pathgen.provenance.made_from import made_from, state_hashes
from pathgen.report.hashes import file_hashes
from pathgen.report.studies import read_study
from pathgen.studies.scaling import scaling_study as scaling
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.tuning.overrides import set_fields
from pathgen.studies.tuning.settings import TuningSettings
from pathgen.studies.tuning.storage import input_names

PARAMS = read_params(ROOT / "params.yaml")
NAMES = {
    "scaling": scaling.input_names(parse_section(PARAMS, "scaling", ScalingSettings)),
    "tuning": input_names(PARAMS, parse_section(PARAMS, "tuning", TuningSettings)),
}
SCRIPTS = ("train_classifier", "synthesise")
OTHERS = ("scaling", "tune", "report")


def test_made_from_uses_the_names_of_the_report(tmp_path: Path) -> None:
    generator, patches = tmp_path / "models/gan/dcgan/1/normal", tmp_path / "data/patches/train"
    for folder, names in (
        (generator, ("generator.safetensors", "discriminator.safetensors", "model.json")),
        (patches, ("patches.npy", "index.parquet")),
    ):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name)
    found = made_from([generator, patches])
    assert sorted(found) == [
        "models/gan/dcgan/1/normal/generator.safetensors",
        "patches/train/index.parquet",
        "patches/train/patches.npy",
    ]
    assert found.items() <= file_hashes(tmp_path).items()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with settings, manifests of code, and results of each study."""
    write(tmp_path, {}, {})
    for study, names in NAMES.items():
        (tmp_path / "results" / study).mkdir(parents=True)
        summary = {"sentences": [], "figures": [], "made_from": made_from([], names, tmp_path)}
        (tmp_path / "results" / study / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def write(root: Path, settings: dict[str, Any], code: dict[str, str]) -> None:
    params = read_params(ROOT / "params.yaml")
    set_fields(params, settings)
    YAML(typ="safe").dump(params, root / "params.yaml")
    for file in (*(f"code/{script}" for script in (*SCRIPTS, *OTHERS)), "code/classifiers/cnn6-stable"):
        (root / "data" / file).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / f"{file}.json").write_text(code.get(file, "as it was"))


def changed(root: Path) -> dict[str, list[str]]:
    """Return the changed inputs of each stale study."""
    stale = {}
    for study in NAMES:
        found = read_study(root / "results" / study, state_hashes(root))
        assert found is not None
        if found.changed:
            stale[study] = list(found.changed)
    return stale


CNN6, TUNED = (f"train_classifier.classifiers.{name}" for name in ("cnn6-stable", "cnn6-tuned"))


@pytest.mark.parametrize(
    ("settings", "code", "which"),
    [
        ({}, {}, set()),
        ({"synthesise.seed": 77}, {}, {"scaling", "tuning"}),
        ({"synthesise.best_of": 3}, {}, {"scaling", "tuning"}),
        ({f"{CNN6}.momentum": 0.123}, {}, {"scaling"}),
        ({f"{TUNED}.momentum": 0.123}, {}, {"tuning"}),
        ({"scaling.training.order_seed": 9}, {}, {"scaling"}),
        ({"tuning.seed": 9}, {}, {"tuning"}),
        ({"tuning.trials": 99}, {}, set()),
        # The best values of the search, and texts of the page, make nothing stale.
        ({f"{TUNED}.learning_rate": 0.0123, TUNED: {"lr_gamma": 0.1}}, {}, set()),
        ({"report.title": "Another"}, {f"code/{script}": "other words" for script in OTHERS}, set()),
        ({}, {"code/train_classifier": "changed"}, {"scaling", "tuning"}),
        ({}, {"code/classifiers/cnn6-stable": "changed"}, {"scaling"}),
    ],
)
def test_study_is_stale_after_a_change_that_shapes_it(
    settings: dict[str, Any], code: dict[str, str], which: set[str], root: Path
) -> None:
    write(root, settings, code)
    assert set(changed(root)) == which


def test_stale_study_names_the_changed_inputs(root: Path) -> None:
    write(root, {"synthesise.seed": 77}, {"code/train_classifier": "changed"})
    assert changed(root)["scaling"] == ["code of train_classifier", "params.yaml: synthesise.seed"]
    (root / "params.yaml").unlink()
    assert "params.yaml: compute" in changed(root)["scaling"], "a missing file counts as changed"
