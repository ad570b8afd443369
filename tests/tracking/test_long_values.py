"""MLflow limits the length of what it records; nothing is cut without a mark, and the whole is kept."""

import json
from pathlib import Path

import pytest

from pathgen.tracking.mlflow_import import MlflowClient, mlflow
from pathgen.tracking.pipeline_run import LinkedPipeline, _note
from pathgen.tracking.run import StageFacts, nested_run, tracked_run
from pathgen.tracking.run_tags import LONG_PARAMETERS, fitting

_SETTINGS = {"experiment": "pathgen", "system_metrics": False, "system_metrics_interval_s": 10.0}
_SLIDES = [f"tumor_{number:03}_of_a_hospital_with_long_names" for number in range(200)]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    (tmp_path / "params.yaml").write_text(json.dumps({"tracking": _SETTINGS}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "to be undone, as MLflow sets it")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    return MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")


def _whole(client: MlflowClient, run_id: str) -> dict[str, str]:
    text = mlflow.artifacts.load_text(f"{client.get_run(run_id).info.artifact_uri}/{LONG_PARAMETERS}")
    return dict(json.loads(text))


def test_long_setting_is_marked_and_kept_whole(client: MlflowClient) -> None:
    settings = {"cohort": {"exclude_slides": _SLIDES, "source": "slides"}}
    with tracked_run(StageFacts("cohort", "key", {}, settings, {})) as run:
        with nested_run(run.run_id, "part", parameters=settings, tags={}) as part:
            pass
    for one in (run.run_id, part.run_id):
        recorded = client.get_run(one).data.params
        assert recorded["cohort.exclude_slides"].startswith(f'["{_SLIDES[0]}", ')
        assert recorded["cohort.exclude_slides"].endswith(f"... (cut; whole in {LONG_PARAMETERS})")
        assert recorded["cohort.source"] == "slides"
        whole = _whole(client, one)
        assert list(whole) == ["cohort.exclude_slides"]
        assert json.loads(whole["cohort.exclude_slides"]) == _SLIDES


def test_settings_of_usual_length_need_no_file(client: MlflowClient) -> None:
    with tracked_run(StageFacts("cohort", "key", {}, {"note": "x" * 6000}, {})) as run:
        pass
    assert client.get_run(run.run_id).data.params["note"] == "x" * 6000
    assert client.list_artifacts(run.run_id) == []


def test_value_is_cut_at_the_limit_only() -> None:
    values = {"at": "a" * 6000, "over": "b" * 6001, "short": "c"}
    shown, whole = fitting(values)
    assert whole == {"over": values["over"]}
    assert {name: shown[name] for name in ("at", "short")} == {"at": values["at"], "short": "c"}
    assert len(shown["over"]) == 6000


def test_long_failure_is_marked_as_cut(client: MlflowClient) -> None:
    with pytest.raises(ValueError, match="long"):
        with tracked_run(StageFacts("cohort", "key", {}, {}, {})) as run:
            raise ValueError("long " * 1000)
    assert client.get_run(run.run_id).data.tags["failure"].endswith(" lon ...")


def test_overview_of_a_large_study_says_how_many_stages_it_leaves_out() -> None:
    rows = [f"| stage {number} | {'x' * 180} | ran | |" for number in range(100)]
    linked = LinkedPipeline("1", "2", "a" * 32, {}, [f"train-{n}-{'y' * 60}" for n in range(100)], ["z"])
    note = _note(rows, linked)
    assert len(note) <= 8000
    shown = sum(row in note.splitlines() for row in rows)
    assert 0 < shown < 100
    assert f"and {100 - shown} more stages" in note
    assert "and 90 more" in note
    assert note.endswith("Not run yet: z")
    assert all(row in _note(rows[:3], linked).splitlines() for row in rows[:3])
