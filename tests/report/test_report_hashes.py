"""Hashes of the code and versions of the libraries on the page."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

from pathgen.provenance.code_hash import ROOT
from pathgen.report.hashes import code_hash, result_versions

# They only check, log or format, and change no result.
SHAPE_NOTHING = {
    *("defusedxml", "filelock", "psutil", "pydantic", "pydicom", "ruamel.yaml", "ruamel.yaml.clib"),
    *("threadpoolctl", "tqdm", "typer"),
}


def test_result_versions_name_all_that_affect_results() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=~!\[]", line)[0] for line in project["dependencies"]}
    assert set(result_versions()) == needed - SHAPE_NOTHING | {"Python"}


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
def test_code_hash_covers_all_code_and_nothing_else(tmp_path: Path, file: str, counts: bool) -> None:
    for name in ("pathgen/deep/cut.py", "pathgen/page.html.j2", "stages/cut.py", "dvc.yaml", "docs/cut.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = code_hash(tmp_path)
    assert code_hash(tmp_path) == before
    (tmp_path / file).write_text("2")
    assert (code_hash(tmp_path) != before) is counts


def test_hashes_module_prints_the_code_hash(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "pathgen" / "report" / "hashes.py"), run_name="__main__")
    assert capsys.readouterr().out == f"sha256:{code_hash()}\n"
