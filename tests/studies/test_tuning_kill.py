"""Workers and their parent are killed: no finished trial is lost, none is missing in the end."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState
from tuning_toy import __file__ as TOY
from tuning_toy import settings, toy_study, toy_task

from pathgen.studies.tuning.objective import score
from pathgen.studies.tuning.overrides import with_fields
from pathgen.studies.tuning.results import find
from pathgen.studies.tuning.trial_queue import done_trials
from pathgen.training.metric_logger import NullLogger

# Three times Python with torch, twice.
pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]


def start(folder: Path) -> "subprocess.Popen[bytes]":
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "parent.log").open("ab") as log:
        return subprocess.Popen([sys.executable, TOY, str(folder)], env=quiet, stdout=log, stderr=log)


def until(true: Callable[[], object], process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + 240
    while not true():
        time.sleep(0.05)
        log = (folder / "parent.log").read_text()[-3000:]
        assert process.poll() is None and time.monotonic() < end, log


def workers_of(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def test_killed_worker_and_killed_parent_lose_nothing(tmp_path: Path) -> None:
    study = toy_study(tmp_path)

    def done() -> dict[int, FrozenTrial]:
        return done_trials(study)

    def suspended_in_a_trial() -> psutil.Process | None:
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            if trial.intermediate_values and trial.user_attrs["owner"]["pid"] != parent.pid:
                worker = psutil.Process(trial.user_attrs["owner"]["pid"])
                worker.suspend()
                if study.get_trials()[trial.number].state == TrialState.RUNNING:
                    return worker
                worker.resume()
        return None

    parent = start(tmp_path)
    until(lambda: len(done()) >= 2, parent, tmp_path)
    victims: list[psutil.Process] = []
    until(lambda: victims or victims.extend(filter(None, [suspended_in_a_trial()])), parent, tmp_path)
    victims[0].kill()
    until(lambda: len(done()) >= 4 and len(workers_of(parent)) == 3, parent, tmp_path)
    orphans = workers_of(parent)
    parent.kill()
    parent.wait()
    kept = {slot: trial.number for slot, trial in done().items()}
    parent = start(tmp_path)
    assert parent.wait(240) == 0, (tmp_path / "parent.log").read_text()[-3000:]
    psutil.wait_procs(orphans, timeout=30)
    assert not any(orphan.is_running() for orphan in orphans)

    states = [trial.state for trial in study.get_trials()]
    assert sorted(done()) == list(range(1, 9)), "a slot is missing"
    assert sum(state in (TrialState.COMPLETE, TrialState.PRUNED) for state in states) == 8
    assert {slot: done()[slot].number for slot in kept} == kept, "a finished trial was run again"
    assert TrialState.FAIL in states, "nobody was killed in a trial"
    assert not any(state in (TrialState.RUNNING, TrialState.WAITING) for state in states)

    found = find(study, settings())
    task = toy_task()
    again = score(
        task,
        with_fields(task.params, found.values),
        what="again",
        resume_folder=None,
        recorder_of=lambda _: NullLogger(),
        after_epoch=lambda *_: None,
    )
    assert again == found.scores
    assert sum(again) / 2 == found.value
