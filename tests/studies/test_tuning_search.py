"""A small search: complete, recorded, pruned, reproducible, and continued after a crash."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from factories.tuning import PARAMS, RATE, WORK, Record, Records, run_worker, search_data, settings
from optuna.trial import TrialState
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError
from pathgen.core.params import read_params
from pathgen.results.study_record import TuningSummary
from pathgen.studies.tuning.objective import score
from pathgen.studies.tuning.overrides import field_value, with_fields
from pathgen.studies.tuning.search import VALUE_KEY, build_pruner, done_trials
from pathgen.studies.tuning.settings import TuningWorkSettings
from pathgen.studies.tuning.storage import load_study, open_storage
from pathgen.studies.tuning.tuning_results import trials_table, write_results


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    """A study of five trials that one worker ran."""
    return run_worker(tmp_path_factory.mktemp("finished"), trials=5)


def table(study: optuna.Study, **changed: Any) -> pd.DataFrame:
    return trials_table(done_trials(study), settings(**changed))


@pytest.fixture
def params_file(tmp_path: Path) -> Path:
    path = tmp_path / "params.yaml"
    YAML().dump(PARAMS, path)
    return path


def test_search_one_worker_is_reproducible(finished: optuna.Study, tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(table(run_worker(tmp_path, trials=5)), table(finished))


def test_search_raised_number_keeps_finished_trials(tmp_path: Path) -> None:
    first, again, later = (table(run_worker(tmp_path, trials=trials)) for trials in (2, 2, 4))
    pd.testing.assert_frame_equal(again, first)
    pd.testing.assert_frame_equal(later[:2], first, check_dtype=False)
    assert len(later) == 4
    assert later[RATE].nunique() == 4, "the sampler repeats its values after a restart"


class Crash(Exception):
    """An error that is not the configuration's fault."""


def test_search_after_error_continues(tmp_path: Path) -> None:
    @contextmanager
    def crashing(number: int, _values: Any) -> Iterator[Record]:
        if number == 1:
            raise Crash
        yield Record()

    with pytest.raises(Crash):
        run_worker(tmp_path, open_run=crashing, trials=2)
    study = run_worker(tmp_path, trials=2)
    assert [trial.state == TrialState.FAIL for trial in study.trials] == [False, True, False]


def test_results_hold_the_best_trial_and_its_scores_are_reproducible(
    finished: optuna.Study, params_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results"
    summary = write_results(finished, settings(), folder, params_file, made_from={"set": "sha256:1"})
    assert TuningSummary.load(folder / "summary.json") == summary
    assert summary.made_from == {"set": "sha256:1"}
    assert summary.best.value == finished.best_value
    assert sum(summary.trials.values()) == 5
    assert all(Path(str(name)).is_file() for name in summary.figures)
    best = read_params(folder / "best.yaml")
    for field, value in summary.best.fields.items():
        if not isinstance(value, dict):
            assert field_value(best, field) == value
    data = search_data()
    assert score(data, with_fields(data.params, summary.best.fields), desc="again") == list(
        summary.best.scores
    )


def test_results_are_replaced_as_a_whole_or_not_at_all(
    finished: optuna.Study, params_file: Path, tmp_path: Path
) -> None:
    folder, damaged = tmp_path / "results", tmp_path / "damaged.yaml"

    def written(params: Path) -> dict[str, bytes]:
        write_results(finished, settings(), folder, params, made_from={})
        return {file.name: file.read_bytes() for file in folder.iterdir()}

    first = written(params_file)
    assert {"best.yaml", "history.svg", "summary.json", "trials.csv"} <= first.keys()
    (folder / "old.svg").write_text("of an earlier search")
    damaged.write_text("pipeline: {classifiers: []}")
    with pytest.raises(PathgenError):
        written(damaged)
    assert {file.name: file.read_bytes() for file in folder.glob("[!o]*")} == first
    assert (folder / "old.svg").exists()
    assert written(params_file) == first


class PruneAtFifthReport(optuna.pruners.BasePruner):
    """Prune every trial but the first, at the second epoch of its second seed."""

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return trial.number > 0 and len(trial.intermediate_values) == 5


def test_pruned_trial_records_reason_and_last_value(tmp_path: Path) -> None:
    study = run_worker(tmp_path, trials=2, pruner=PruneAtFifthReport())
    first, second = table(study).to_dict("records")
    assert (first["state"], first["epochs"]) == ("finished", 6)
    assert (second["state"], second["epochs"]) == ("pruned", 5)
    assert second["reason"] and 0 <= second["value"] <= 1 and pd.isna(second["seed_1"])


def curve(trial: optuna.Trial, accuracies: list[list[float]]) -> bool:
    """Report best accuracies so far by seed and epoch, as the objective does; tell whether it is pruned."""
    total = 0.0
    for place, seed in enumerate(accuracies):
        for epoch, best in enumerate(seed, start=1):
            trial.report((total + best) / 3, place * 100_000 + epoch)
        total += seed[-1]
    return trial.should_prune()


@pytest.mark.parametrize(
    ("accuracies", "pruned"),
    [
        ([[0.6, 0.74]], True),
        ([[0.6, 0.75]], False),
        ([[0.6]], False),  # Fewer epochs than prune_after_epochs.
        # A good first seed does not protect a trial whose mean is too low at the second.
        ([[0.6, 0.8], [0.5, 0.68]], True),
        ([[0.6, 0.8], [0.5, 0.72]], False),
    ],
)
def test_pruner_compares_means_at_equal_seed_and_epoch(accuracies: list[list[float]], pruned: bool) -> None:
    rule = settings(prune_below=0.5, prune_after_trials=3, prune_after_epochs=2)
    study = optuna.create_study(direction="maximize", pruner=build_pruner(rule))
    for end in (0.7, 0.75, 0.8):
        trial = study.ask()
        assert not curve(trial, [[0.6, end], [0.5, end]])
        study.tell(trial, end)
    assert curve(study.ask(), accuracies) == pruned


def test_non_finite_loss_ends_the_trial_not_the_search(tmp_path: Path) -> None:
    toy = PARAMS["train_classifier"]["classifiers"]["toy"]
    wild = {**toy, "momentum": 0.99, "max_epochs": 30, "patience": 30, "weight_decay": 1.0}
    params = {**PARAMS, "train_classifier": {**PARAMS["train_classifier"], "classifiers": {"toy": wild}}}
    changed: dict[str, Any] = {"space": [{"field": RATE, "choices": [10.0]}], "seeds": [1]}
    records = Records()
    study = run_worker(tmp_path, params, records, trials=2, **changed)
    assert [trial.state for trial in done_trials(study)] == [TrialState.PRUNED] * 2
    assert [record.tags for record in records.opened] == [{"state": "pruned"}] * 2
    with pytest.raises(PathgenError):
        write_results(study, settings(**changed), tmp_path / "results", made_from={})


def test_trial_logs_every_epoch_by_seed_and_ends_at_its_score(tmp_path: Path) -> None:
    records = Records()
    study = run_worker(tmp_path, open_run=records, trials=1)
    (record,) = records.opened
    values = [(step, value) for key, value, step in record.logged if key == VALUE_KEY]
    assert [step for step, _ in values] == [1, 2, 3, 4, 5, 6]
    assert values[-1][1] == study.best_value
    for seed in (1, 2):
        key = f"tune/seed-{seed}/valid/accuracy"
        assert [step for logged, _, step in record.logged if logged == key] == [1, 2, 3]
    assert record.tags == {"state": "finished"}


def test_load_study_missing_names_it(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="toy"):
        load_study(open_storage(WORK, tmp_path), "toy")


@pytest.mark.parametrize("url", ["postgresql://user:secret@nowhere/x", "nonsense://secret/x"])
def test_open_storage_unusable_url_hides_password(url: str, tmp_path: Path) -> None:
    work = TuningWorkSettings(workers=1, storage=url, heartbeat_interval_s=1, grace_period_s=3, max_retry=0)
    with pytest.raises(PathgenError) as caught:
        open_storage(work, tmp_path)
    assert "secret" not in str(caught.value) and "storage" in str(caught.value)
