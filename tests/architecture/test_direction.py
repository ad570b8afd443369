"""Which part may import which, and which part alone may import a heavy library."""

import re
from collections import Counter
from pathlib import Path

import pytest

from pathgen.provenance.code_hash import ROOT, direct_imports, imported_names

FILES = sorted(
    path.relative_to(ROOT) for package in ("pathgen", "stages") for path in (ROOT / package).rglob("*.py")
)
LEAF = {"core", "provenance", "results", "training"}

# part -> the parts it may import beside itself and the leaf modules
MAY_IMPORT = {
    "wsi": set(),
    "phantom": set(),
    "patches": set(),
    "jobs": set(),
    "sources": {"wsi", "patches", "phantom", "jobs"},
    "gan": {"patches", "metrics"},
    "classifier": {"patches", "metrics"},
    "evaluation": {"classifier", "patches", "metrics", "run_matrix"},
    "verdict": {"metrics", "patches", "run_matrix", "webpage"},
    "metrics": {"patches"},
    "privacy": {"patches", "metrics"},
    "tracking": set(),
    "webpage": {"patches"},
    "survey": {"wsi", "patches", "webpage"},
    "report": {"patches", "metrics", "run_matrix", "webpage"},
    "run_matrix": set(),
    "validation": {
        "jobs",
        "sources",
        "wsi",
        "patches",
        "gan",
        "classifier",
        "evaluation",
        "metrics",
        "privacy",
        "report",
        "release",
        "survey",
        "run_matrix",
        "studies",
        "tracking",
        "verdict",
    },
    "studies": {"classifier", "gan", "metrics", "patches", "privacy", "jobs", "webpage"},
    "inspect": {"wsi", "patches", "sources", "validation"},
    "export": {"patches"},
    "release": {
        "export",
        "gan",
        "patches",
        "run_matrix",
        "privacy",
        "report",
        "tracking",
        "validation",
        "webpage",
    },
    "planning": {
        "jobs",
        "sources",
        "phantom",
        "patches",
        "gan",
        "classifier",
        "metrics",
        "privacy",
        "run_matrix",
        "studies",
        "tracking",
        "validation",
    },
    "cli": {"inspect", "export", "planning", "release", "tracking", "verdict"},
}

ONLY_HERE = {
    "mlflow": "pathgen/tracking/",
    "openslide": "pathgen/wsi/reader.py",
    "torchvision": "pathgen/core/torchvision_import.py",
    "optuna": "pathgen/studies/",
    "opacus": "pathgen/gan/generators/dpdcgan/accounting.py",
    "distributed": "pathgen/jobs/dask_executor.py",
}


def part(file: Path) -> str:
    return file.parts[1].removesuffix(".py")


@pytest.mark.parametrize("file", [file for file in FILES if file.parts[0] == "pathgen"], ids=str)
def test_imports_follow_the_layers(file: Path) -> None:
    own = part(file)
    if own == "__init__":
        assert direct_imports(file) == set()
        return
    allowed = {own} | LEAF | MAY_IMPORT.get(own, set())
    used = {part(other) for other in direct_imports(file)} - {"__init__"}
    assert used <= allowed, f"{file} imports {sorted(used - allowed)}"
    assert not any(other.parts[0] == "stages" for other in direct_imports(file))


def test_every_package_has_a_rule() -> None:
    parts = {part(file) for file in FILES if file.parts[0] == "pathgen"} - {"__init__"}
    assert parts - LEAF - set(MAY_IMPORT) == set()


def test_contributing_layout_equals_the_table() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"^```\n(stages, cli\n.*?)\n```", page, re.M | re.S)
    levels = [re.split(r",\s*", level.strip()) for level in drawn.split("->")]
    level_of = {own: at for at, level in enumerate(levels) for own in level}
    assert set(level_of) == {"stages", "leaf modules", *MAY_IMPORT}
    for own, others in MAY_IMPORT.items():
        assert [other for other in sorted(others) if level_of[other] < level_of[own]] == []
    leaves = re.findall(r"`(\w+)`", page.split("The leaf modules are ")[1].split(". ")[0])
    assert set(leaves) == LEAF


@pytest.mark.parametrize("library", ONLY_HERE)
def test_heavy_libraries_are_imported_in_one_module(library: str) -> None:
    users = [
        str(file)
        for file in FILES
        if any(name.split(".")[0] == library for name in imported_names((ROOT / file).read_bytes()))
    ]
    assert [user for user in users if not user.startswith(ONLY_HERE[library])] == []


def test_settings_load_nothing_heavy() -> None:
    heavy = {"torch", "mlflow", "openslide", "pandas", "sklearn", "torchvision", "matplotlib"}
    for file in FILES:
        if file.name == "settings.py":
            used = {name.split(".")[0] for name in imported_names((ROOT / file).read_bytes())}
            assert not used & heavy, f"{file} imports {sorted(used & heavy)}"


def test_stages_compute_nothing_and_catch_nothing() -> None:
    for file in FILES:
        if file.parts[0] == "stages":
            text = (ROOT / file).read_text(encoding="utf-8")
            assert not re.search(r"^\s*except\b", text, re.M), f"{file} catches errors"
            libraries = {name.split(".")[0] for name in imported_names((ROOT / file).read_bytes())}
            assert not libraries & {"numpy", "torch", "scipy", "sklearn"}, f"{file} does maths"


def test_no_module_is_named_after_nothing() -> None:
    names = {piece for file in FILES for piece in (*file.parts[:-1], file.stem)}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def test_module_names_differ() -> None:
    stems = [file.stem for file in FILES if file.parts[0] == "pathgen"]
    assert [name for name, count in Counter(stems).items() if count > 1] == ["__init__", "settings"]
