"""Exactly as many trials as asked for, whoever dies when."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import TrialState
from tuning_toy import toy_study

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning import trial_queue
from pathgen.studies.tuning.heartbeat import Watch, is_dead, this_process
from pathgen.studies.tuning.trial_queue import (
    DIED,
    STOPPED,
    Claimed,
    beating,
    bury,
    claim,
    done_trials,
    fail,
    failures,
    mark_whole,
    told,
)

RANDOM = optuna.samplers.RandomSampler


def take(study: optuna.Study, folder: Path, **changed: Any) -> Claimed | None:
    given = {
        "slots": 3,
        "tries": 2,
        "watch": Watch(),
        "dead_after_s": 60.0,
        "lock": folder / "claim.lock",
        "sampler_of": lambda slot: RANDOM(seed=slot),
    }
    return claim(study, **{**given, **changed})


def taken(study: optuna.Study, folder: Path, **changed: Any) -> Claimed:
    claimed = take(study, folder, **changed)
    assert claimed is not None
    return claimed


@pytest.fixture(params=["sqlite", "journal"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    return toy_study(
        tmp_path, {"journal": f"journal:{tmp_path / 'study.journal'}"}.get(request.param, "sqlite")
    )


@pytest.fixture
def dead() -> dict[str, Any]:
    """A process of this machine that has ended."""
    code = "from pathgen.studies.tuning.heartbeat import this_process; print(this_process())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(eval(said))


def test_slots_are_dealt_once_in_order(study: optuna.Study, tmp_path: Path) -> None:
    claims = [taken(study, tmp_path) for _ in range(3)]
    assert [one.slot for one in claims] == [1, 2, 3]
    assert take(study, tmp_path) is None
    told(study, claims[1], 0.5, TrialState.COMPLETE, scores=[0.5])
    told(study, claims[0], None, TrialState.PRUNED)
    assert take(study, tmp_path) is None, "what is done is not dealt again"
    assert list(done_trials(study)) == [1, 2]
    assert taken(study, tmp_path, slots=4).slot == 4, "more may be asked for later"


def test_trial_of_a_dead_worker_is_begun_again_with_its_values(
    study: optuna.Study, tmp_path: Path, dead: dict[str, Any]
) -> None:
    first = taken(study, tmp_path)
    value = first.trial.suggest_float("x", 0.0, 1.0)
    mark_whole(first.trial)
    first.trial.set_user_attr("owner", dead)
    again = taken(study, tmp_path, sampler_of=lambda _: RANDOM(seed=99))  # It would choose another value.
    assert again.slot == 1
    assert again.trial.number != first.trial.number
    assert again.trial.suggest_float("x", 0.0, 1.0) == value
    told(study, first, 0.9, TrialState.COMPLETE)
    assert done_trials(study) == {}, "what a buried worker tells comes too late"


def test_values_half_chosen_are_chosen_again_by_the_same_sampler(
    study: optuna.Study, tmp_path: Path, dead: dict[str, Any]
) -> None:
    first = taken(study, tmp_path)
    x = first.trial.suggest_float("x", 0.0, 1.0)
    first.trial.set_user_attr("owner", dead)
    again = taken(study, tmp_path)
    assert again.trial.suggest_float("x", 0.0, 1.0) == x
    unhindered = optuna.create_study(sampler=RANDOM(seed=1)).ask()
    assert [x, again.trial.suggest_float("y", 0.0, 1.0)] == [
        unhindered.suggest_float(name, 0.0, 1.0) for name in "xy"
    ]


def test_a_claim_cut_off_before_it_ran_is_taken_up(study: optuna.Study, tmp_path: Path) -> None:
    study.enqueue_trial({}, user_attrs={"slot": 1})
    assert taken(study, tmp_path).slot == 1
    assert taken(study, tmp_path).slot == 2


def test_of_two_machines_at_one_slot_the_lower_number_keeps_it(
    study: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue = trial_queue._enqueue

    def both(study: optuna.Study, slot: int, earlier: Any) -> None:
        # The other machine queues the slot in the same moment, and is faster to take its own.
        enqueue(study, slot, earlier)
        enqueue(study, slot, earlier)
        study.ask()

    monkeypatch.setattr(trial_queue, "_enqueue", both)
    assert take(study, tmp_path) is None
    monkeypatch.undo()
    assert taken(study, tmp_path).slot == 2
    running = study.get_trials(states=(TrialState.RUNNING,))
    assert sorted(trial_queue.slot_of(trial) or 0 for trial in running) == [1, 2]


def test_silence_kills_only_where_nobody_can_be_asked(study: optuna.Study, tmp_path: Path) -> None:
    mine, far = taken(study, tmp_path), taken(study, tmp_path)
    far.trial.set_user_attr("owner", {**this_process(), "machine": "elsewhere"})
    watch = Watch()
    assert bury(study, watch, 0.0) == [], "nobody is dead at first sight"
    assert bury(study, watch, 1000.0) == []
    with beating(far.trial, 0.01):
        while study.get_trials()[far.trial.number].user_attrs.get("beat", 0) < 2:
            pass
    assert bury(study, watch, 0.0) == [], "it has beaten since"
    assert bury(study, watch, 0.0) == [2]
    assert study.get_trials()[mine.trial.number].state == TrialState.RUNNING


def test_a_worker_whose_trial_was_taken_notices(study: optuna.Study, tmp_path: Path) -> None:
    claimed = taken(study, tmp_path)
    with beating(claimed.trial, 0.01) as was_taken:
        assert not was_taken()
        fail(study, claimed.trial.number, "its worker died")
        for _ in range(10_000):
            if was_taken():
                break
            os.sched_yield()
            study.get_trials()
        assert was_taken()


def test_a_slot_that_fails_too_often_stops_the_study_but_a_stop_does_not_count(
    study: optuna.Study, tmp_path: Path
) -> None:
    for _ in range(5):
        fail(study, taken(study, tmp_path).trial.number, STOPPED)
    for _ in range(2):
        claimed = taken(study, tmp_path)
        claimed.trial.suggest_float("x", 0.0, 1.0)
        fail(study, claimed.trial.number, "MemoryError: out of memory")
    assert len(failures(study)[1]) == 7
    with pytest.raises(PathgenError, match=r"trial 1: failed 2 times.*out of memory.*x 0\."):
        take(study, tmp_path)


def test_kills_of_a_trial_that_comes_further_each_time_do_not_stop_the_study(
    study: optuna.Study, tmp_path: Path
) -> None:
    for epochs in (1, 2, 2, 3, 3, 4):
        claimed = taken(study, tmp_path)
        assert claimed.slot == 1
        for epoch in range(1, epochs + 1):
            claimed.trial.report(0.5, epoch)
        fail(study, claimed.trial.number, DIED)
    assert taken(study, tmp_path).slot == 1


@pytest.mark.parametrize("epochs", [0, 3])
def test_a_trial_that_kills_its_worker_at_one_place_stops_the_study(
    epochs: int, study: optuna.Study, tmp_path: Path
) -> None:
    # Who comes as far as nobody before is not to blame yet.
    for _ in range(2 + (epochs > 0)):
        claimed = taken(study, tmp_path)
        for epoch in range(1, epochs + 1):
            claimed.trial.report(0.5, epoch)
        fail(study, claimed.trial.number, DIED)
    with pytest.raises(PathgenError, match="trial 1: failed 2 times, the last time because its worker died"):
        take(study, tmp_path)


def test_an_error_counts_however_far_the_trial_has_come(study: optuna.Study, tmp_path: Path) -> None:
    for epochs in (1, 2):
        claimed = taken(study, tmp_path)
        claimed.trial.report(0.5, epochs)
        fail(study, claimed.trial.number, "RuntimeError: no")
    with pytest.raises(PathgenError, match="failed 2 times, the last time because RuntimeError: no"):
        take(study, tmp_path)


def test_a_slot_that_others_were_faster_at_is_not_to_blame(
    study: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_queue, "_is_mine", lambda *_: False)
    for _ in range(2):
        assert take(study, tmp_path) is None
    monkeypatch.undo()
    assert taken(study, tmp_path).slot == 1


def test_processes_are_told_apart(dead: dict[str, Any]) -> None:
    assert is_dead(this_process()) is False
    assert is_dead(dead) is True
    assert is_dead({**this_process(), "started": 1.0}) is True, "the number was given to another process"
    assert is_dead({**dead, "machine": "elsewhere"}) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system keeps the time of the start")
def test_a_clock_that_is_set_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    owner, told = this_process(), psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: told(process) + 1.0)
    assert is_dead(owner) is False
