"""Start the workers of this machine, replace those that die, and show how far the study is."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.trial import TrialState

from pathgen.core.errors import PathgenError
from pathgen.core.progress import progress
from pathgen.studies.tuning.trial_queue import done_trials, failures

_POLL_S = 1.0
_PATIENCE_S = 30.0


@dataclass
class _Place:
    """One of the workers: its process, its log, and how often it has ended by an error."""

    process: subprocess.Popen[bytes]
    log: Path
    errors: int = 0


def run_crew(
    study: optuna.Study, *, trials: int, workers: int, tries: int, command: Sequence[str], logs: Path
) -> None:
    """Work until every trial is done, with so many processes.

    A worker that is killed is replaced, and its trial begun again. On the way out, also by an error or by
    Ctrl-C, all workers are ended; what they have finished is in the storage.

    Args:
        study: The study.
        trials: How many trials there shall be.
        workers: How many processes.
        tries: How often a worker may end by an error outside a trial.
        command: Starts one worker; ``--parent`` and this process's id are added.
        logs: Folder for what the workers print.

    Raises:
        PathgenError: A worker ended by an error.
    """
    with (
        progress(trials, "trials", "tune", done=len(done_trials(study))) as bar,
        _crew(workers, command, logs) as places,
    ):
        while True:
            done = done_trials(study)
            bar.set_postfix_str(standing(study), refresh=False)
            bar.update(len(done) - bar.n)
            if len(done) >= trials and all(place.process.poll() is not None for place in places):
                return
            for number, place in enumerate(places):
                code = place.process.poll()
                if code is None or len(done) >= trials:
                    continue
                _judge(place, number, code, tries)
                place.process = _start(command, place.log)
            time.sleep(_POLL_S)


def standing(study: optuna.Study) -> str:
    """Say in a few words how far a study is: trials finished, pruned, failed, and the best so far."""
    done = done_trials(study).items()
    finished = {slot: trial.value for slot, trial in done if trial.state == TrialState.COMPLETE}
    failed = sum(len(trials) for trials in failures(study).values())
    words = f"{len(finished)} finished, {len(done) - len(finished)} pruned, {failed} begun again"
    best = max(finished, key=lambda slot: (finished[slot] or 0.0, -slot), default=None)
    return words if best is None else f"{words}, best {finished[best]:.4f} (trial {best})"


@contextmanager
def _crew(workers: int, command: Sequence[str], logs: Path) -> Iterator[list[_Place]]:
    logs.mkdir(parents=True, exist_ok=True)
    places: list[_Place] = []
    try:
        for number in range(1, workers + 1):
            log = logs / f"worker-{number}.log"
            places.append(_Place(_start(command, log), log))
        yield places
    finally:
        _end([place.process for place in places])


def _start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as stream:
        return subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )


def _judge(place: _Place, number: int, code: int, tries: int) -> None:
    """Let a killed worker be replaced; stop the study at an error that trying again does not hint."""
    if code <= 0:
        return
    place.errors += 1
    lines = place.log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [
        "it said nothing"
    ]
    told = [line for line in lines[-20:] if line.startswith("error: ")]
    if told or place.errors >= tries:
        raise PathgenError(
            f"worker {number + 1}",
            (
                told[-1].removeprefix("error: ")
                if told
                else f"ended {place.errors} times by an error: {lines[-1]}"
            ),
            f"All it said is in {place.log}. Finished trials are kept: run the same command again",
        )


def _end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    until = time.monotonic() + _PATIENCE_S
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
