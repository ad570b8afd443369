"""The command that `dvc_stage` makes of a function, in a small DVC project."""

import sys
from pathlib import Path
from typing import Literal

import pytest
from factories.dvc_project import Project
from factories.toy_jobs import toy_job
from ruamel.yaml import YAML

from pathgen.core import layout
from pathgen.core.files import sha256_of, write_json
from pathgen.jobs.job import run_job
from pathgen.jobs.result_cache import ResultCache
from pathgen.planning.durations import FILE, read_durations
from pathgen.tracking.client import open_store
from stages.parallel import run_parts
from stages.stage import Stage, dvc_stage

ITEM = ["--regime", "mixed", "--seed", "3"]
PIPELINE = {
    "stages": {
        "toy": {
            "cmd": f"python -m stages.test_context {' '.join(ITEM)}",
            "deps": ["data.txt", "data/code/toy.json"],
            "params": ["toy.width"],
            "outs": ["out.txt"],
        }
    }
}
JOBS = {"folder": "work/jobs", "workers": 1, "processes": 1, "threads_per_slide": 1, "scheduler": None}
TRACKING = {"experiment": "pathgen", "system_metrics": False, "system_metrics_interval_s": 10.0}


@dvc_stage()
def toy(stage: Stage, *, regime: Literal["mixed", "synthetic"], name: str | None = None, seed: int) -> None:
    """Write what it received; fail if the data say so."""
    stage.resume_folder.mkdir(parents=True)
    if "fail" in Path("data.txt").read_text():
        raise ValueError("asked to fail")
    if "parts" in Path("data.txt").read_text():
        run_parts(stage, [toy_job("part", Path("log.txt"))], "toy", "parts")
    Path("out.txt").write_text(f"{regime} {name} {seed + 1}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one stage, as the working folder and the command line of this process."""
    project = Project(tmp_path)
    (tmp_path / "data.txt").write_text("x")
    (tmp_path / "module.py").write_text("A = 1\n")
    for name, content in (
        ("dvc.yaml", PIPELINE),
        ("params.yaml", {"toy": {"width": 2}, "tracking": TRACKING, "jobs": JOBS}),
    ):
        YAML(typ="safe").dump(content, tmp_path / name)
    (tmp_path / layout.CODE).mkdir(parents=True)
    code = {"module.py": sha256_of(tmp_path / "module.py")}
    write_json(tmp_path / layout.CODE / "toy.json", {"module": "json", "code": code})
    project.init()
    for name in ("DVC_STAGE", "DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")  # MLflow sets some itself; setenv first, so that they are restored
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/test_context.py", *ITEM])
    return project


def test_dvc_stage_passes_options_and_records_the_stage(project: Project) -> None:
    toy()
    assert Path("out.txt").read_text() == "mixed None 4"
    assert not any(layout.RESUME.rglob("*"))
    store = open_store()
    (run,) = store.client.search_runs([store.experiment_id])
    assert (run.info.run_name, run.info.status) == ("test_context mixed 3", "FINISHED")
    expected = {"dvc_stage": "toy", "regime": "mixed", "seed": "3"}
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == {"toy.width": "2"}
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["data.txt"]


@pytest.mark.parametrize("finished", [False, True])
def test_dvc_stage_that_has_loaded_a_part_records_no_duration(project: Project, finished: bool) -> None:
    Path("data.txt").write_text("parts")
    if finished:
        run_job(toy_job("part", Path("log.txt")), ResultCache(Path("work/jobs/toy")))
    toy()
    assert Path("log.txt").read_text() == "part\n"
    assert ("toy" in read_durations(FILE)["stages"]) is not finished


def test_dvc_stage_that_fails_keeps_its_resume_folder(project: Project) -> None:
    Path("data.txt").write_text("fail")
    with pytest.raises(ValueError, match="asked to fail"):
        toy()
    assert any(layout.RESUME.glob("test_context-mixed-3/*"))


@pytest.mark.parametrize("options", [["--regime", "original", "--seed", "3"], ["--regime", "mixed"]])
def test_dvc_stage_with_wrong_options_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["stages/test_context.py", *options])
    with pytest.raises(SystemExit) as refused:
        toy()
    assert refused.value.code == 2


def test_dvc_stage_with_edited_code_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    Path("module.py").write_text("A = 2\n")
    with pytest.raises(SystemExit):
        toy()
    assert capsys.readouterr().err.startswith("error: module.py: ")
    assert not Path("out.txt").exists()


def test_dvc_stage_of_no_stage_in_dvc_yaml_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["stages/test_context.py", "--regime", "mixed", "--seed", "4"])
    with pytest.raises(SystemExit):
        toy()
    assert "dvc.yaml" in capsys.readouterr().err
