import os
from pathlib import Path

import pytest
from factories.dvc_project import Project

from pathgen.tracking.dvc_api import find_stage, open_project
from pathgen.tracking.mlflow_import import MlflowClient
from pathgen.tracking.pipeline_run import link_pipeline, pipeline_id
from pathgen.tracking.run import StageFacts, tracked_run
from pathgen.tracking.uri import find_location

_NORMAL = "train_gan@dcgan-normal"
_TUMOR = "train_gan@dcgan-tumor"


def _run_stage(name: str, monkeypatch: pytest.MonkeyPatch, loss: float, *, fail: bool = False) -> str:
    with monkeypatch.context() as stage:
        stage.setenv("DVC_STAGE", name)
        with open_project(Path.cwd()) as project:
            key = find_stage(project, "").key
        with tracked_run(StageFacts("train_gan", key, {}, {}, {}, dvc_stage=name)) as run:
            run.metrics({"train/loss": loss}, 0)
            if fail:
                raise ValueError("stop")
    return run.run_id


def test_link_pipeline_twice_links_the_same_runs(tracked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient(find_location().uri)
    older = _run_stage(_TUMOR, monkeypatch, 1.0)
    newer = _run_stage(_TUMOR, monkeypatch, 0.125)
    with pytest.raises(ValueError, match="stop"):
        _run_stage(_TUMOR, monkeypatch, 2.0, fail=True)
    report = tracked.root / "work" / "results.md"
    report.write_text("# Table\n")
    given = {
        "results": {"original/accuracy": 0.875},
        "attachments": [report, Path("absent.html")],
        "key_metrics": ["train/loss"],
        "tags": {"verdict.release": "ready", "stage": "not to be replaced"},
    }
    first = link_pipeline(tracked.root, **given)
    second = link_pipeline(tracked.root, **given)
    assert second == first
    assert first.runs[_TUMOR] == newer
    assert "prepare" in first.without_run
    assert list(first.not_run) == []

    own = client.get_run(first.run_id)
    assert own.info.status == "FINISHED"
    assert (own.data.tags["verdict.release"], own.data.tags["stage"]) == ("ready", "pipeline")
    assert own.data.metrics == {"original/accuracy": 0.875}
    assert len(client.get_metric_history(first.run_id, "original/accuracy")) == 1
    assert own.data.params["gan.rate"] == "0.0002"
    assert own.data.params["b.c"] == '["x", "y"]'
    assert [file.path for file in client.list_artifacts(first.run_id)] == ["results.md"]
    note = own.data.tags["mlflow.note.content"]
    assert f"(#/experiments/{first.experiment_id}/runs/{newer}?workflowType=machine_learning)" in note
    assert f"]({first.path()})" in note
    assert " " not in first.path(view="CHART")
    assert "train/loss 0.125" in note
    assert "prepare" in note

    found = client.search_runs([first.experiment_id], first.search)
    assert {run.info.run_id for run in found} == {first.run_id, *first.runs.values()}
    assert older not in {run.info.run_id for run in found}
    owners = client.search_runs([first.experiment_id], f"tags.stage = 'pipeline' and {first.search}")
    assert [run.info.run_id for run in owners] == [first.run_id]


def test_link_pipeline_links_runs_of_cached_stages(tracked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    client = MlflowClient(find_location().uri)
    _run_stage(_TUMOR, monkeypatch, 0.5)
    before = link_pipeline(tracked.root)
    lock = tracked.root / "dvc.lock"
    kept = lock.read_text()
    try:
        lock.write_text(kept.replace("count: 3", "count: 4"))
        after = link_pipeline(tracked.root)
        assert link_pipeline(tracked.root) == after
    finally:
        lock.write_text(kept)
    assert after.pipeline != before.pipeline
    assert after.run_id != before.run_id
    assert after.runs[_TUMOR] == before.runs[_TUMOR]
    for linked in (before, after):
        runs = client.search_runs([linked.experiment_id], linked.search)
        assert linked.runs[_TUMOR] in {run.info.run_id for run in runs}
    note = client.get_run(after.run_id).data.tags["mlflow.note.content"]
    assert f"from the cache (made by pipeline {before.pipeline[:8]})" in note


def test_link_pipeline_lists_stages_that_have_not_run(tracked: Project) -> None:
    pipeline = tracked.root / "dvc.yaml"
    kept = pipeline.read_text()
    try:
        pipeline.write_text(kept.replace("[normal, tumor]", "[normal, other]"))
        linked = link_pipeline(tracked.root)
    finally:
        pipeline.write_text(kept)
    assert list(linked.not_run) == ["train_gan@dcgan-other"]
    assert _TUMOR not in {*linked.runs, *linked.without_run}


def test_pipeline_id_depends_on_every_key() -> None:
    assert pipeline_id({"a": "1", "b": "2"}) == pipeline_id({"b": "2", "a": "1"})
    assert pipeline_id({"a": "1", "b": "2"}) != pipeline_id({"a": "2", "b": "1"})
    assert os.sep not in pipeline_id({})
