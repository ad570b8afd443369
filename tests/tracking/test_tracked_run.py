import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.dvc_project import Project

from pathgen.core.errors import PathgenError
from pathgen.tracking.client import open_store
from pathgen.tracking.dvc_api import find_stage, locked_key, open_project, read_lock
from pathgen.tracking.mlflow_import import MlflowClient, MlflowException, mlflow
from pathgen.tracking.run import StageFacts, nested_run, tracked_run
from pathgen.tracking.uri import find_location

_NORMAL = "train_gan@dcgan-normal"


def _stage(label: str, **more: Any) -> Any:
    options = {"parameters": {"gan": {"rate": 2e-4, "steps": [1, 2]}}, "inputs": {}, "key": label, **more}
    return tracked_run(StageFacts("train_gan", item={"label": label, "seed": 3}, **options))


def _client() -> MlflowClient:
    return MlflowClient(find_location().uri)


def test_store_is_created_by_four_processes_at_once(tracked: Project, exit_codes: list[int]) -> None:
    assert exit_codes[:4] == [0, 0, 0, 0]
    ids = {file.read_text() for file in tracked.root.glob("opened-*")}
    assert len(list(tracked.root.glob("opened-*"))) == 4
    assert ids == {open_store().experiment_id}


def test_unreachable_server_is_refused_in_seconds(tracked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:secret@127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(PathgenError, match=r"1:9: the MLflow store cannot be used: no answer") as caught:
        with _stage("unreachable"):
            pytest.fail("the stage must not begin")
    assert time.monotonic() - started < 5
    assert "secret" not in str(caught.value)


def test_file_that_is_no_database_is_refused(
    tracked: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.db").write_text("no database, but longer than nothing " * 100)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(PathgenError, match=r"x\.db: the MLflow store cannot be used"):
        open_store()


def test_run_of_a_dvc_stage_records_everything(tracked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", _NORMAL)
    monkeypatch.setenv("DVC_EXP_NAME", "kooky-vase")
    with open_project(Path.cwd()) as project:
        stage = find_stage(project, "")
    with _stage("normal", inputs=stage.deps, key=stage.key, dvc_stage=stage.name) as run:
        run.metrics({"train/loss": 0.5, "train/nan": float("nan")}, 1)
        run.image("samples/grid", np.zeros((8, 8, 3), np.uint8), 1)
        run.artifact(Path("params.yaml"), "given")
        run.text("tables/a.csv", "x\n")
    found = _client().get_run(run.run_id)
    entry = read_lock(tracked.root)[_NORMAL]
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "train_gan normal 3"
    tags = found.data.tags
    expected = {
        "stage": "train_gan",
        "dvc_stage": _NORMAL,
        "stage_key": locked_key(entry),
        "label": "normal",
        "seed": "3",
        "device": "cpu",
        "git_dirty": "false",
        "dvc_experiment": "kooky-vase",
        "mlflow.user": "unknown",
        "mlflow.loggedImages": "True",
    }
    assert expected.items() <= tags.items()
    assert {"version.pathgen", "version.torch", "version.mlflow", "version.dvc", "version.python"} <= set(
        tags
    )
    assert tags["git_commit"] == tracked.git("rev-parse", "HEAD").strip()
    assert "mlflow.parentRunId" not in tags
    assert found.data.params == {"gan.rate": "0.0002", "gan.steps": "[1, 2]"}
    assert found.data.metrics["train/loss"] == 0.5
    digests = {given.dataset.name: given.dataset.digest for given in found.inputs.dataset_inputs}
    hashes = {dep["path"]: dep["md5"] for dep in entry["deps"]}
    assert digests == hashes
    names = {Path(file.path).suffix for file in _client().list_artifacts(run.run_id, "images")}
    assert names == {".png", ".webp"}
    assert [file.path for file in _client().list_artifacts(run.run_id, "given")] == ["given/params.yaml"]


def test_run_started_by_mlflow_run_is_its_own(tracked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = _client().create_run("0")
    monkeypatch.setenv("MLFLOW_RUN_ID", outer.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    with _stage("inner") as run:
        pass
    assert run.run_id != outer.info.run_id
    assert _client().get_run(run.run_id).info.experiment_id == open_store().experiment_id
    assert "MLFLOW_RUN_ID" not in os.environ


def test_run_with_an_error_ends_failed_with_the_reason(tracked: Project) -> None:
    with pytest.raises(ValueError, match="too small"):
        with _stage("failing") as run:
            run.metrics({"train/loss": 1.0}, 0)
            raise ValueError("too small\nby far")
    found = _client().get_run(run.run_id)
    assert found.info.status == "FAILED"
    assert found.data.tags["failure"] == "ValueError: too small"
    assert found.data.metrics == {"train/loss": 1.0}


def test_interrupted_run_ends_killed(tracked: Project) -> None:
    with pytest.raises(KeyboardInterrupt):
        with _stage("interrupted") as run:
            raise KeyboardInterrupt
    assert _client().get_run(run.run_id).info.status == "KILLED"


def test_killed_run_is_ended_and_continued_by_a_new_run(tracked: Project, exit_codes: list[int]) -> None:
    assert exit_codes[4] == -signal.SIGKILL
    killed = (tracked.root / "killed").read_text()
    with _stage("somebody else"):
        assert _client().get_run(killed).info.status == "RUNNING"
    with _stage("again", key="killed") as run:
        assert _client().get_run(killed).info.status == "KILLED"
    assert _client().get_run(run.run_id).data.tags["continues"] == killed
    with _stage("once more", key="killed") as fresh:
        pass
    assert "continues" not in _client().get_run(fresh.run_id).data.tags


def test_store_that_fails_during_a_run_does_not_stop_it(
    tracked: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise MlflowException(
            "API request to http://a:b@c failed: Max retries exceeded (Caused by Gone('x'))"
        )

    with monkeypatch.context() as failing:
        with _stage("lost") as run:
            run.metrics({"train/loss": 1.0}, 0)
            failing.setattr(MlflowClient, "log_batch", gone)
            run.flush()
            failing.undo()
            run.metrics({"train/loss": 0.5}, 1)
            failing.setattr(MlflowClient, "set_terminated", gone)
    message = capsys.readouterr().err
    assert "warning: metrics not recorded in MLflow: no answer (Gone)" in message
    assert _client().get_run(run.run_id).info.status == "RUNNING"
    assert len(_client().get_metric_history(run.run_id, "train/loss")) == 2


def test_training_that_did_not_converge_shows_in_every_list(tracked: Project) -> None:
    with _stage("healthy") as healthy:
        healthy.health("converged", converged=True)
    with _stage("failed") as failed:
        failed.health("not converged", converged=False)
    good, bad = (_client().get_run(run.run_id) for run in (healthy, failed))
    assert (good.data.tags["health"], bad.data.tags["health"]) == ("converged", "not converged")
    assert (good.info.run_name, bad.info.run_name) == (
        "train_gan healthy 3",
        "not converged: train_gan failed 3",
    )
    assert bad.info.status == "FINISHED"


def test_system_metrics_are_sampled(tracked: Project) -> None:
    with _stage("sampled", sample_system_metrics=True) as run:
        deadline = time.monotonic() + 30
        while not _client().get_run(run.run_id).data.metrics and time.monotonic() < deadline:
            time.sleep(0.1)
    metrics = _client().get_run(run.run_id).data.metrics
    assert "system/cpu_utilization_percentage" in metrics
    assert "system/system_memory_usage_megabytes" in metrics


def test_uncommitted_changes_are_recorded(tracked: Project) -> None:
    code = tracked.root / "library" / "code.py"
    kept = code.read_text()
    try:
        code.write_text("x = 3\n")
        with _stage("dirty") as run:
            pass
    finally:
        code.write_text(kept)
    assert _client().get_run(run.run_id).data.tags["git_dirty"] == "true"
    assert [file.path for file in _client().list_artifacts(run.run_id)] == ["uncommitted.diff"]


def test_logged_model_loads_through_its_own_loader(
    tracked: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_loader.py").write_text(
        "import json\n"
        "from pathlib import Path\n"
        "class Scaled:\n"
        "    def __init__(self, factor): self.factor = factor\n"
        "    def predict(self, images): return images.mean(axis=(1, 2, 3)) * self.factor\n"
        "def _load_pyfunc(path): \n"
        "    text = (Path(path) / 'model.json').read_text()\n"
        "    return Scaled(json.loads(text)['factor'])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "model.json").write_text(json.dumps({"factor": 2.0}))
    images = np.ones((2, 4, 4, 3), np.uint8)
    with _stage("model") as run:
        run.model("classifier", saved, "own_loader", images, np.array([2.0, 2.0]))
    (output,) = _client().get_run(run.run_id).outputs.model_outputs
    logged = _client().get_logged_model(output.model_id)
    assert (logged.name, logged.status, logged.source_run_id) == ("classifier", "READY", run.run_id)
    assert logged.experiment_id == open_store().experiment_id
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{output.model_id}"))
    description = mlflow.models.Model.load(str(folder))
    assert "(-1, 4, 4, 3)" in str(description.signature.inputs)
    assert not list(folder.rglob("*.pkl"))
    needed = [line.split("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()]
    assert {"torch", "pathgen-suite"} <= set(needed)
    assert "pathgen" not in needed
    flavour = description.flavors["python_function"]
    loader = __import__(flavour["loader_module"])
    assert loader._load_pyfunc(folder / flavour["data"]).predict(images * 3).tolist() == [6.0, 6.0]


def test_nested_run_has_its_parent_and_its_own_status(tracked: Project) -> None:
    with tracked_run(StageFacts("search", "search", {}, {}, {})) as parent:
        with pytest.raises(RuntimeError):
            with nested_run(parent.run_id, "trial 1", parameters={}, tags={}) as failed:
                raise RuntimeError("no")
        with nested_run(parent.run_id, "trial 2", parameters={"a": {"rate": 0.1}}, tags={"n": 1}) as finished:
            finished.metrics({"train/loss": 0.5}, 2)
    client = _client()
    run = client.get_run(finished.run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert (run.info.run_name, run.info.status, run.data.tags["n"]) == ("trial 2", "FINISHED", "1")
    assert run.data.params == {"a.rate": "0.1"}
    assert run.data.metrics == {"train/loss": 0.5}
    assert client.get_run(failed.run_id).info.status == "FAILED"


def test_nested_run_without_a_parent_is_refused(tracked: Project) -> None:
    with pytest.raises(PathgenError, match="MLFLOW_TRACKING_URI"):
        with nested_run("0" * 32, "trial 1", parameters={}, tags={}):
            pytest.fail("must not begin")
