"""Each stage of dvc.yaml depends on the hashes of all code that can change its outputs."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import pathgen
from pathgen.core import layout
from pathgen.provenance.code_hash import PLUGINS, ROOT, code_manifest, imported_names, stage_scripts
from pathgen.studies.scaling import scaling_study
from stages import parallel

# The page that states the hash of all code.
WHOLE_FOLDERS = {"report": ["pathgen", "stages"]}


def stages() -> dict[str, tuple[str, list[str]]]:
    """Return script and deps of each stage."""
    found = {}
    for name, stage in YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"].items():
        module = re.match(r"python -m stages\.(\w+)", stage["cmd"])
        assert module, f"{name}: the command is not `python -m stages.…`"
        found[name] = (module[1], stage["deps"])
    return found


@pytest.mark.parametrize("name", sorted(set(stages()) - {"check_params"}))
def test_stage_depends_on_the_manifest_of_its_own_code(name: str) -> None:
    script, deps = stages()[name]
    assert [dep for dep in deps if re.fullmatch(r"data/code/\w+\.json", dep)] == [f"data/code/{script}.json"]
    assert [dep for dep in deps if dep.startswith(("pathgen", "stages"))] == WHOLE_FOLDERS.get(name, [])


@pytest.mark.parametrize(
    ("libraries", "modules"),
    [
        (parallel._LIBRARIES, ["stages.train_gan", "stages.train_classifier", "stages.privacy"]),
        (scaling_study._LIBRARIES, ["pathgen.studies.scaling.point", "pathgen.studies.synthetic_sample"]),
    ],
)
def test_keys_of_jobs_hold_the_versions_of_all_numeric_libraries(
    libraries: tuple[str, ...], modules: list[str]
) -> None:
    networks = [f"{PLUGINS['classifiers']}.{name}" for name in ("cnn6", "resnet18")]
    code = [file for file in code_manifest(*modules, *networks) if file.endswith(".py")]
    used = {name.split(".")[0] for file in code for name in imported_names((ROOT / file).read_bytes())}
    numeric = {"numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn", "torch": "torch"}
    numeric |= {"torchvision": "torchvision"}
    assert {numeric[name] for name in used & numeric.keys()} <= set(libraries)


def test_check_params_depends_on_all_code() -> None:
    assert {"pathgen", "stages"} <= set(stages()["check_params"][1])


def test_no_stage_depends_on_the_results_of_optional_studies() -> None:
    # DVC would otherwise wait for files that an optional study may never write.
    optional = (layout.SCALING, layout.TUNING)
    deps = [Path(dep.partition("${")[0]) for _, names in stages().values() for dep in names]
    assert not [
        dep for dep in deps for out in optional if dep == out or dep in out.parents or out in dep.parents
    ]


def test_every_stage_script_has_a_manifest() -> None:
    assert {script for script, _ in stages().values()} <= set(stage_scripts())


def test_no_stage_imports_the_public_interface() -> None:
    # Names of pathgen/__init__.py are imported by name when they are first used: a manifest would miss them.
    files = [file for part in ("pathgen", "stages") for file in (ROOT / part).rglob("*.py")]
    public = {f"pathgen.{name}" for name in pathgen.__all__}
    assert not [file for file in files if public & set(imported_names(file.read_bytes()))]
