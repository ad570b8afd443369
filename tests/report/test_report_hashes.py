"""What the page says of the code and the libraries that made it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pathgen.provenance.code_hash import ROOT
from pathgen.report.hashes import code_hash, library_versions

# They check, watch, or word what is entered, and shape no result.
SHAPE_NOTHING = {
    *("defusedxml", "filelock", "psutil", "pydantic", "ruamel.yaml", "ruamel.yaml.clib"),
    *("threadpoolctl", "tqdm", "typer"),
}


def test_all_libraries_that_shape_results_are_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=~!\[]", line)[0] for line in project["dependencies"]}
    assert set(library_versions()) == needed - SHAPE_NOTHING | {"Python"}


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("pathgen/deep/cut.py", True),
        ("pathgen/page.html.j2", True),
        ("stages/cut.py", True),
        ("dvc.yaml", False),
        ("docs/cut.md", False),
    ],
)
def test_the_hash_of_the_code_is_that_of_all_code_and_of_nothing_else(
    tmp_path: Path, file: str, counts: bool
) -> None:
    for name in ("pathgen/deep/cut.py", "pathgen/page.html.j2", "stages/cut.py", "dvc.yaml", "docs/cut.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = code_hash(tmp_path)
    assert code_hash(tmp_path) == before
    (tmp_path / file).write_text("2")
    assert (code_hash(tmp_path) != before) is counts


def test_a_checkout_tells_the_hash_of_its_code() -> None:
    command = [sys.executable, "-m", "pathgen.report.hashes"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == f"sha256:{code_hash()}\n"
