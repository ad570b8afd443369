"""Trials of the search, run by Optuna: sampler, pruner, objective, and the loop of one worker."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.study import MaxTrialsCallback
from optuna.trial import FrozenTrial, TrialState

from pathgen.classifier.classifier_loop import METRICS
from pathgen.classifier.classifier_state import NonFiniteLoss
from pathgen.core.seeding import derive_seed
from pathgen.studies.tuning.objective import SearchData, score
from pathgen.studies.tuning.overrides import values_of, with_fields
from pathgen.studies.tuning.settings import Dimension, TuningSettings

#: Metric of a trial in MLflow: mean, over its seeds so far, of the best validation accuracy so far.
VALUE_KEY = "tune/valid_accuracy"
#: States of the trials that count towards `tuning.trials`.
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
#: User attributes of a trial.
SCORES, REASON, LAST_VALUE, FIRST_NUMBER = "scores", "reason", "last_value", "first_number"
# Steps of one seed; more than any training has epochs.
_STRIDE = 100_000


class TrialRun(Protocol):
    """Record of one trial; an MLflow run in the pipeline."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log metrics at a step."""

    def tag(self, key: str, value: str) -> None:
        """Set a tag."""


#: Opens the record of a trial by its number and the fields that it replaces.
OpenRun = Callable[[int, Mapping[str, Any]], AbstractContextManager[TrialRun]]


@dataclass(frozen=True)
class Objective:
    """Objective function for `optuna.Study.optimize`.

    Attributes:
        data: Data and settings that all trials share.
        folder: Folder for snapshots of unfinished trials.
        open_run: Opens the record of a trial.
    """

    data: SearchData
    folder: Path
    open_run: OpenRun

    def __call__(self, trial: optuna.Trial) -> float:
        """Train and score one configuration.

        Args:
            trial: Optuna's trial.

        Returns:
            Mean over the seeds of the best accuracy on the original validation patches, in [0, 1].

        Raises:
            optuna.TrialPruned: The trial lags behind the others, or a loss is not finite.
        """
        settings = self.data.settings
        values = _suggest(trial, settings.space)
        # Optuna copies the attributes of a stale trial to its retry, which thus finds the snapshots.
        first = trial.user_attrs.get(FIRST_NUMBER, trial.number)
        trial.set_user_attr(FIRST_NUMBER, first)
        snapshots = self.folder / str(first)
        epochs = count(1)

        with self.open_run(trial.number, values) as run:

            def after_epoch(row: dict[str, float], accuracies: list[float]) -> None:
                place, epoch, mean = len(accuracies) - 1, int(row["epoch"]), float(np.mean(accuracies))
                seed = settings.seeds[place]
                run.metrics({f"tune/seed-{seed}/{key}": row[name] for key, name in METRICS.items()}, epoch)
                run.metrics({VALUE_KEY: mean}, next(epochs))
                # The sum over the seeds never falls. Optuna's pruner, which compares the best value so far,
                # therefore compares trials at the same seed and epoch.
                trial.report(sum(accuracies) / len(settings.seeds), place * _STRIDE + epoch)
                if trial.should_prune():
                    trial.set_user_attr(LAST_VALUE, mean)
                    raise optuna.TrialPruned(
                        f"below quantile {settings.prune_below} of the finished trials at seed {seed}, "
                        f"epoch {epoch}"
                    )

            pruned = None
            try:
                scores = score(
                    self.data,
                    with_fields(self.data.params, values),
                    desc=f"trial {trial.number}",
                    resume_folder=snapshots,
                    after_epoch=after_epoch,
                )
                trial.set_user_attr(SCORES, scores)
            except (optuna.TrialPruned, NonFiniteLoss) as problem:
                pruned = problem.reason if isinstance(problem, NonFiniteLoss) else str(problem)
                trial.set_user_attr(REASON, pruned)
            run.tag("state", "finished" if pruned is None else "pruned")
        shutil.rmtree(snapshots, ignore_errors=True)
        if pruned is not None:
            raise optuna.TrialPruned(pruned)
        return float(np.mean(scores))


def _suggest(trial: optuna.Trial, space: Sequence[Dimension]) -> dict[str, Any]:
    """Sample a value of every dimension; return the fields of params.yaml to replace."""
    for dimension in space:
        field, low, high, log = dimension.field, dimension.low, dimension.high, dimension.scale == "log"
        if low is None or high is None:
            trial.suggest_categorical(field, dimension.extremes())
        elif isinstance(low, int) and isinstance(high, int):
            trial.suggest_int(field, low, high, log=log)
        else:
            trial.suggest_float(field, low, high, log=log)
    return values_of(trial.params, space)


def build_sampler(settings: TuningSettings, *purpose: str | int) -> optuna.samplers.BaseSampler:
    """Build the sampler of one worker.

    Args:
        settings: Section ``tuning``.
        purpose: Name of the worker and number of trials that exist when it starts: two workers, or a worker
            and its successor after a restart, must not draw the same random numbers.

    Returns:
        The sampler.
    """
    seed = derive_seed(settings.seed, "sampler", *purpose) % 2**32
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=settings.startup_trials)


def build_pruner(settings: TuningSettings) -> optuna.pruners.BasePruner:
    """Build Optuna's percentile pruner from ``prune_below``, ``prune_after_trials`` and ``_epochs``."""
    if settings.prune_below == 0:
        return optuna.pruners.NopPruner()
    return optuna.pruners.PercentilePruner(
        100 * (1 - settings.prune_below),
        n_startup_trials=settings.prune_after_trials,
        n_warmup_steps=settings.prune_after_epochs,
        n_min_trials=settings.prune_after_trials,
    )


def done_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the finished and pruned trials, by number."""
    return study.get_trials(deepcopy=False, states=DONE)


def run_trials(study: optuna.Study, objective: Objective, *, parent: int | None = None) -> None:
    """Run trials until the study has as many as `tuning.trials` asks for.

    Other processes may work on the same study at the same time. Each of them finishes the trial that it has
    begun, so that the study may end with up to one trial more per additional worker.

    Args:
        study: Optuna's study, with its sampler and pruner.
        objective: Objective function.
        parent: Id of the process that started this one; the worker stops after its trial when that process
            has ended. None: the worker is on its own.
    """
    trials = objective.data.settings.trials

    def stop_without_parent(study: optuna.Study, _trial: FrozenTrial) -> None:
        if parent is not None and os.getppid() != parent:
            study.stop()

    if len(done_trials(study)) < trials:
        study.optimize(objective, callbacks=[MaxTrialsCallback(trials, states=DONE), stop_without_parent])
