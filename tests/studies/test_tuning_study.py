"""A whole small search: reproducible, pruned, recorded, and equal when its best is trained again."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState
from ruamel.yaml import YAML
from tuning_toy import PARAMS, RATE, WORKERS, Record, run_alone, settings, toy_study, toy_task

from pathgen.core.errors import PathgenError
from pathgen.core.params import read_params
from pathgen.studies.tuning import worker
from pathgen.studies.tuning.objective import score
from pathgen.studies.tuning.overrides import field_value, values_of, with_fields
from pathgen.studies.tuning.pruning import step_of
from pathgen.studies.tuning.reproduce import train_best_again
from pathgen.studies.tuning.results import find, write_results
from pathgen.studies.tuning.trial_queue import done_trials, failures
from pathgen.studies.tuning.worker import VALUE_KEY, Abandoned, work
from pathgen.training.metric_logger import NullLogger


class Killed(Exception):
    """Stands for a kill between two epochs."""


def rows(folder: Path, study: Any, **changed: Any) -> list[dict[str, Any]]:
    return find(study, settings(**changed)).trials.drop(columns="reason").to_dict("records")


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A study that one worker ran through."""
    folder = tmp_path_factory.mktemp("through")
    study = toy_study(folder)
    assert run_alone(study, folder, trials=5) == 5
    return study, folder


def test_a_study_stopped_in_a_trial_goes_on_as_if_it_had_not(
    through: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = toy_study(tmp_path)
    epochs = 0

    def fails_in_the_third_trial(*arguments: Any, **rule: Any) -> bool:
        nonlocal epochs
        epochs += 1
        if epochs == 6 * 2 + 4:
            raise Killed("in the third trial")
        return plain(*arguments, **rule)

    plain = worker.falls_behind
    monkeypatch.setattr(worker, "falls_behind", fails_in_the_third_trial)
    with pytest.raises(Killed):
        run_alone(study, tmp_path, trials=5)
    assert len(done_trials(study)) == 2
    assert list((tmp_path / "snapshots").glob("*/*/*")), "nothing to go on from"
    run_alone(study, tmp_path, trials=4)
    run_alone(study, tmp_path, trials=5)
    assert len(failures(study)) == 1
    assert not list((tmp_path / "snapshots").glob("*"))
    assert str(rows(tmp_path, study)) == str(rows(through[1], through[0])), "nan is not equal to itself"


def test_a_trial_that_is_behind_ends_there_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def behind(step: int, value: float, finished: list[Any], **rule: Any) -> bool:
        asked.append((step, len(finished)))
        assert rule == {"quantile": 0.8, "after_trials": 2, "after_epochs": 1}
        return len(finished) == 1 and step == step_of(1, 2)

    monkeypatch.setattr(worker, "falls_behind", behind)
    study = toy_study(tmp_path)
    run_alone(study, tmp_path, trials=2)
    first, second = done_trials(study).values()
    assert (first.state, second.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    steps = [step_of(place, epoch) for place in (0, 1) for epoch in (1, 2, 3)]
    assert asked == [*((step, 0) for step in steps), *((step, 1) for step in steps[:5])]
    assert list(second.intermediate_values) == steps[:5]
    assert second.user_attrs["reason"] == "behind at seed 2, epoch 2"
    assert len(find(study, settings(trials=2)).trials) == 2


def test_best_trained_again_has_the_same_scores(through: tuple[Any, Path], tmp_path: Path) -> None:
    found = find(through[0], settings())
    finished = found.trials[found.trials["state"] == "finished"]
    assert found.value == finished["value"].max()
    folder = tmp_path / "results"
    write_results(found, settings(), folder, _params_with_toy(tmp_path), made_from={"set": "sha256:1"})
    summary = json.loads((folder / "summary.json").read_text())
    assert train_best_again(toy_task(), folder / "summary.json") == summary["best"]["scores"]
    best = read_params(folder / "best.yaml")
    for field, value in found.values.items():
        if not isinstance(value, dict):
            assert field_value(best, field) == value
    assert all(Path(name).is_file() for name in summary["figures"])
    assert len(summary["sentences"]) >= 3
    assert summary["made_from"] == {"set": "sha256:1"}
    assert summary["trials"]["finished"] + summary["trials"]["pruned"] == 5
    summary["best"]["scores"][0] += 1e-9
    (folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(PathgenError, match="now"):
        train_best_again(toy_task(), folder / "summary.json")


def test_results_take_the_place_of_earlier_ones_whole_or_not_at_all(
    through: tuple[Any, Path], tmp_path: Path
) -> None:
    found, folder, file = find(through[0], settings()), tmp_path / "results", _params_with_toy(tmp_path)
    write_results(replace(found, importance={RATE: 1.0}), settings(), folder, file, made_from={})
    first = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert "importance.svg" in first
    with pytest.raises(PathgenError):
        write_results(replace(found, values={"no.such.field": 1}), settings(), folder, file, made_from={})
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == first
    write_results(replace(found, importance={}), settings(), folder, file, made_from={})
    assert {one.name for one in folder.iterdir()} == first.keys() - {"importance.svg"}


def _params_with_toy(folder: Path) -> Path:
    path = folder / "params.yaml"
    YAML().dump(PARAMS, path)
    return path


def test_same_study_same_bytes(through: tuple[Any, Path], tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        file = _params_with_toy(tmp_path)
        write_results(find(through[0], settings()), settings(), tmp_path / name, file, made_from={})
        files = sorted((tmp_path / name).iterdir())
        written.append({file.name: file.read_bytes().replace(name.encode(), b"") for file in files})
    assert written[0] == written[1]
    assert {"best.yaml", "history.svg", "summary.json", "trials.csv"} <= written[0].keys()


def test_a_loss_that_is_no_number_ends_the_trial_and_not_the_study(tmp_path: Path) -> None:
    rate = "train_classifier.classifiers.toy.learning_rate"
    study = toy_study(tmp_path)
    wild = {"trials": 2, "space": [{"field": rate, "choices": [10.0]}], "seeds": [1], "threads": 1}
    record: list[Record] = []

    @contextmanager
    def recorded(slot: int, values: Any) -> Any:
        record.append(Record())
        yield record[-1]

    task = toy_task({**PARAMS, "train_classifier": _wild()})
    work(study, task, settings(**wild), WORKERS, folder=tmp_path, open_run=recorded, parent=None)
    assert [trial.state for trial in done_trials(study).values()] == [TrialState.PRUNED] * 2
    assert "finite" in done_trials(study)[1].user_attrs["reason"]
    assert [one.tags for one in record] == [{"state": "pruned"}] * 2
    with pytest.raises(PathgenError, match="no trial has finished"):
        find(study, settings(**wild))


def _wild() -> dict[str, Any]:
    toy = {**PARAMS["train_classifier"]["classifiers"]["toy"], "momentum": 0.99, "max_epochs": 30}
    return {
        **PARAMS["train_classifier"],
        "classifiers": {"toy": {**toy, "patience": 30, "weight_decay": 1.0}},
    }


def test_every_epoch_is_recorded_by_seed_and_the_last_value_is_the_score(tmp_path: Path) -> None:
    study = toy_study(tmp_path)
    record = Record()

    @contextmanager
    def recorded(slot: int, values: Any) -> Any:
        yield record

    one = settings(trials=1)
    work(study, toy_task(), one, WORKERS, folder=tmp_path, open_run=recorded, parent=None)
    values = [(step, value) for key, value, step in record.told if key == VALUE_KEY]
    assert [step for step, _ in values] == [1, 2, 3, 4, 5, 6]
    assert values[-1][1] == done_trials(study)[1].value
    for seed in (1, 2):
        key = f"tune/seed-{seed}/valid/accuracy"
        assert [step for told, _, step in record.told if told == key] == [1, 2, 3]
    assert record.tags == {"state": "finished"}
    again: dict[int, _Losses] = {1: _Losses(), 2: _Losses()}
    task = toy_task()
    score(
        task,
        with_fields(task.params, values_of(done_trials(study)[1].params, one.space)),
        what="again",
        resume_folder=None,
        recorder_of=lambda seed: again[seed],
        after_epoch=lambda *_: None,
    )
    for seed in (1, 2):
        key = f"tune/seed-{seed}/valid/loss"
        assert again[seed].values == [value for told, value, _ in record.told if told == key]


class _Losses(NullLogger):
    """Keeps the validation losses: no two trainings have them alike by chance."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def metrics(self, values: Any, step: int) -> None:
        self.values.append(values["valid/loss"])


def test_a_worker_without_its_parent_ends_and_leaves_its_trial_to_others(tmp_path: Path) -> None:
    study = toy_study(tmp_path)
    with pytest.raises(Abandoned):
        work(study, toy_task(), settings(), WORKERS, folder=tmp_path, open_run=lambda *_: None, parent=1)
    assert done_trials(study) == {}


def test_a_study_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="study toy: is not in the storage"):
        toy_study(tmp_path, create=False)


@pytest.mark.parametrize("address", ["postgresql://user:secret@nowhere/x", "nonsense://secret/x"])
def test_a_storage_that_cannot_be_opened_is_named_without_its_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(PathgenError) as caught:
        toy_study(tmp_path, address)
    assert "secret" not in str(caught.value) and "storage" in str(caught.value)
