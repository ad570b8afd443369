"""A worker is killed in a trial: another retries that trial, and no finished one is lost."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from factories.tuning import WORK, run_worker, toy_study
from factories.tuning import __file__ as worker_script
from optuna.trial import TrialState

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(300)]


def test_killed_worker_is_replaced_and_its_trial_retried(tmp_path: Path) -> None:
    study = toy_study(tmp_path)
    log = tmp_path / "worker.log"
    with log.open("wb") as stream:
        worker = subprocess.Popen(
            [sys.executable, worker_script, str(tmp_path)], stdout=stream, stderr=stream
        )
    deadline = time.monotonic() + 120
    while True:
        running = [
            trial for trial in study.get_trials(states=(TrialState.RUNNING,)) if trial.intermediate_values
        ]
        if running and len(study.trials) > 2:
            break
        assert worker.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.01)
    worker.kill()
    worker.wait()
    finished = [trial.number for trial in study.trials if trial.state.is_finished()]
    (lost,) = study.get_trials(states=(TrialState.RUNNING,))
    time.sleep(WORK.grace_period_s + 1)

    study = run_worker(tmp_path)
    trials = study.trials
    assert trials[lost.number].state == TrialState.FAIL
    same = [trial for trial in trials if trial.user_attrs.get("first_number") == lost.number]
    (retry,) = [trial for trial in same if trial.number != lost.number]
    assert retry.params == lost.params
    assert retry.state in (TrialState.COMPLETE, TrialState.PRUNED)
    assert [
        trial.number for trial in trials if trial.number in finished and trial.state.is_finished()
    ] == finished
    assert sum(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials) == 8
    assert not any((tmp_path / "snapshots").iterdir())
