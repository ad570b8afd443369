"""From the search space of the settings to Optuna's, and from a trial's values to fields of params.yaml."""

from collections.abc import Sequence
from typing import Any, Literal

import optuna

from pathgen.core.seeding import derive_seed
from pathgen.studies.tuning.overrides import values_of
from pathgen.studies.tuning.settings import Dimension


def suggest(trial: optuna.Trial, space: Sequence[Dimension]) -> dict[str, Any]:
    """Let the sampler choose a value of every dimension.

    Args:
        trial: The trial.
        space: The dimensions.

    Returns:
        See `values_of`.
    """
    for dimension in space:
        if dimension.low is None or dimension.high is None:
            trial.suggest_categorical(dimension.field, dimension.extremes())
        elif isinstance(dimension.low, int) and isinstance(dimension.high, int):
            trial.suggest_int(dimension.field, dimension.low, dimension.high, log=dimension.scale == "log")
        else:
            trial.suggest_float(dimension.field, dimension.low, dimension.high, log=dimension.scale == "log")
    return values_of(trial.params, space)


def sampler(
    kind: Literal["tpe", "random"], seed: int, startup_trials: int, slot: int
) -> optuna.samplers.BaseSampler:
    """Return the sampler of one slot.

    Its random numbers depend on the seed and the slot alone: with one worker a study that was stopped and
    started again tries the same values as one that ran through.

    Args:
        kind: See `TuningSettings`.
        seed: See `TuningSettings`.
        startup_trials: See `TuningSettings`.
        slot: Number of the slot.

    Returns:
        The sampler.
    """
    own = derive_seed(seed, "sampler", slot) % 2**32
    if kind == "random":
        return optuna.samplers.RandomSampler(seed=own)
    return optuna.samplers.TPESampler(seed=own, n_startup_trials=startup_trials)
