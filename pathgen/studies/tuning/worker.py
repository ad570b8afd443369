"""One worker of a study: takes trial after trial until there are as many as asked for."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import TrialState

from pathgen.studies.tuning.heartbeat import Watch
from pathgen.studies.tuning.objective import Task, Worthless, score
from pathgen.studies.tuning.overrides import with_fields
from pathgen.studies.tuning.pruning import falls_behind, step_of
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.space import sampler, suggest
from pathgen.studies.tuning.trial_queue import (
    REASON,
    STOPPED,
    Claimed,
    beating,
    claim,
    done_trials,
    fail,
    mark_whole,
    told,
)

_POLL_S = 1.0

#: Of a trial, in MLflow: the mean, over its seeds so far, of the best validation accuracy so far.
VALUE_KEY = "tune/valid_accuracy"


class TrialRun(Protocol):
    """Where a trial is recorded; an MLflow run in the pipeline."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Take named numbers at a step."""

    def tag(self, key: str, value: str) -> None:
        """Set a tag."""


#: Opens the record of a trial: its number, the fields it replaces.
OpenRun = Callable[[int, Mapping[str, Any]], AbstractContextManager[TrialRun]]


def recorded(
    child_run: Callable[..., AbstractContextManager[TrialRun]], slot: int, values: Mapping[str, Any]
) -> AbstractContextManager[TrialRun]:
    """Open the record of a trial as a run nested under the study's.

    Args:
        child_run: Opens a nested run: name, ``parameters``, ``tags``.
        slot: The trial's number.
        values: The fields it replaces.

    Returns:
        The run.
    """
    return child_run(f"trial {slot}", parameters=values, tags={"stage": "trial", "trial": slot})


class Abandoned(Exception):
    """The process that started this worker is gone, or others have taken its trial."""


@dataclass(frozen=True)
class _OneSeed:
    """Hands the numbers of one seed's training to the trial's run, under names of their own."""

    run: TrialRun
    seed: int

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Pass the numbers on."""
        self.run.metrics({f"tune/seed-{self.seed}/{key}": value for key, value in values.items()}, step)

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Drop the picture: a study has too many of them."""


def work(
    study: optuna.Study,
    task: Task,
    settings: TuningSettings,
    workers: TuningWorkSettings,
    *,
    folder: Path,
    open_run: OpenRun,
    parent: int | None,
) -> int:
    """Run trials until every slot of the study is done.

    Args:
        study: The study.
        task: What all trials share.
        settings: The search.
        workers: How workers tell of each other.
        folder: Work folder of the study on this machine.
        open_run: Opens the record of a trial.
        parent: Process id of the process that started this one: without it the worker ends after the epoch
            it is in, and its trial is begun again by another. None: it stands alone.

    Returns:
        How many trials this worker has ended.

    Raises:
        PathgenError: A trial has failed too often, or cannot be run.
        Abandoned: See `parent`.
    """
    watch, ended = Watch(), 0
    while len(done_trials(study)) < settings.trials:
        _stay(parent)
        claimed = claim(
            study,
            slots=settings.trials,
            tries=workers.tries,
            watch=watch,
            dead_after_s=workers.dead_after_s,
            lock=folder / "claim.lock",
            sampler_of=lambda slot: sampler(settings.sampler, settings.seed, settings.startup_trials, slot),
        )
        if claimed is None:
            time.sleep(_POLL_S)
            continue
        try:
            with beating(claimed.trial, workers.beat_s) as was_taken:
                _run(study, claimed, task, settings, folder, open_run, lambda: _stay(parent, was_taken))
            ended += 1
        except (Abandoned, KeyboardInterrupt):
            fail(study, claimed.trial.number, STOPPED)
            raise
        except BaseException as problem:
            fail(study, claimed.trial.number, _reason(problem))
            raise
    return ended


def _stay(parent: int | None, was_taken: Callable[[], bool] = lambda: False) -> None:
    if parent is not None and os.getppid() != parent:
        raise Abandoned("the process that started this worker is gone")
    if was_taken():
        raise Abandoned("others took this worker for dead and its trial over")


def _reason(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0]}" if lines else type(problem).__name__


def _run(
    study: optuna.Study,
    claimed: Claimed,
    task: Task,
    settings: TuningSettings,
    folder: Path,
    open_run: OpenRun,
    stay: Callable[[], None],
) -> None:
    values = suggest(claimed.trial, settings.space)
    mark_whole(claimed.trial)
    snapshots = folder / "snapshots" / str(claimed.slot)
    print(f"trial {claimed.slot}: {values}", flush=True)
    epochs = 0

    with open_run(claimed.slot, values) as run:

        def after_epoch(place: int, epoch: int, value: float) -> None:
            nonlocal epochs
            stay()
            epochs += 1
            step = step_of(place, epoch)
            run.metrics({VALUE_KEY: value}, epochs)
            claimed.trial.report(value, step)
            finished = [
                trial.intermediate_values
                for trial in done_trials(study).values()
                if trial.state == TrialState.COMPLETE
            ]
            if falls_behind(
                step,
                value,
                finished,
                quantile=settings.prune_below,
                after_trials=settings.prune_after_trials,
                after_epochs=settings.prune_after_epochs,
            ):
                raise optuna.TrialPruned(f"behind at seed {task.seeds[place]}, epoch {epoch}")

        state = TrialState.COMPLETE
        value: float | None = None
        facts: dict[str, Any] = {}
        try:
            scores = score(
                task,
                with_fields(task.params, values),
                what=f"trial {claimed.slot}",
                resume_folder=snapshots,
                recorder_of=lambda seed: _OneSeed(run, seed),
                after_epoch=after_epoch,
            )
            value, facts = float(np.mean(scores)), {"scores": scores}
        except (optuna.TrialPruned, Worthless) as early:
            state, facts = TrialState.PRUNED, {REASON: str(early)}
        run.tag("state", "finished" if state == TrialState.COMPLETE else "pruned")
        told(study, claimed, value, state, **facts)
    shutil.rmtree(snapshots, ignore_errors=True)
    print(f"trial {claimed.slot}: {facts[REASON] if value is None else f'{value:.4f}'}", flush=True)
