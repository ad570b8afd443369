"""A relative `cohort.root` means the same in DVC's temporary copy of the checkout as in the checkout."""

import json
import os
import sys
from pathlib import Path

import pytest
from factories.dvc_project import Project

from pathgen.core.profiles import read_profile
from pathgen.sources.settings import CohortSettings

_PIPELINE = """
stages:
  cohort:
    cmd: python stage.py
    params: [cohort, seed]
    outs: [found]
"""
_STAGE = """
from pathlib import Path
from pathgen.core.params import load_section
from pathgen.sources.settings import CohortSettings
folder = load_section("cohort", CohortSettings).folder
Path("found").write_text((folder / "data.txt").read_text())
"""


def _settings(root: str | None) -> CohortSettings:
    return CohortSettings(**{**read_profile("phantom")["cohort"], "root": root})


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's temporary copy, as the working folder."""
    main = tmp_path / "main"
    inside = main / ".dvc" / "tmp" / "exps" / "standalone" / "tmp1"
    (inside / ".dvc").mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(main))
    monkeypatch.chdir(inside)
    return inside


@pytest.mark.parametrize(
    ("root", "expected"),
    [("../pcam", "pcam"), ("data/raw/strips", "main/data/raw/strips"), ("/data/slides", "/data/slides")],
)
def test_root_in_a_temporary_copy_is_that_of_the_original(
    root: str, expected: str, copy: Path, tmp_path: Path
) -> None:
    assert _settings(root).folder == tmp_path / expected


def test_root_in_a_sub_folder_of_a_copy_is_that_of_the_original(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "study").mkdir()
    monkeypatch.chdir(copy / "study")
    assert _settings("raw").folder == tmp_path / "main" / "study" / "raw"


def test_phantom_slides_are_drawn_in_the_copy(copy: Path) -> None:
    assert _settings(None).folder == Path("data/phantom")


def test_root_in_the_checkout_itself_stays_as_written(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(os.environ["DVC_ROOT"])
    assert _settings("../pcam").folder == Path("../pcam")


def test_root_in_another_checkout_does_not_follow_an_inherited_variable(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other" / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert _settings("raw").folder == Path("raw")


@pytest.mark.pipeline
def test_experiment_in_a_temporary_copy_finds_the_data(tmp_path: Path) -> None:
    project = Project(tmp_path / "main")
    project.root.mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "data.txt").write_text("x")
    cohort = {**read_profile("phantom")["cohort"], "root": "../data"}
    (project.root / "params.yaml").write_text(json.dumps({"cohort": cohort, "seed": 1}))
    (project.root / "dvc.yaml").write_text(_PIPELINE)
    (project.root / "stage.py").write_text(_STAGE)
    project.init()
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "First")
    # The stage fails where it does not find the file.
    project.run(sys.executable, "-m", "dvc", "exp", "run", "--temp", "-q", "-S", "seed=2")
    assert not (project.root / "found").exists(), "it ran in a copy"
