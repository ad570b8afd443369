"""Judge the training of a generator that reached its end: variety, and memory of the training patches."""

import math
from collections.abc import Sequence

import pandas as pd

from pathgen.gan.overfitting import is_overfitting
from pathgen.results.health_record import GeneratorHealth, GeneratorState

# Half of the originals' standard deviation. DCGANs that learnt end at 0.9 to 1.05, those that hardly began at
# 0.15 to 0.3.
_MIN_SPREAD = 0.5
# Share of the training that the mean covers: single records scatter by a tenth.
_LAST = 0.1


def generator_health(history: pd.DataFrame, probes: Sequence[dict[str, float]]) -> GeneratorHealth:
    """Judge a training that neither diverged nor collapsed; those stop early.

    Args:
        history: Row per log interval with ``gan/spread_ratio``, see `TrainedGan`; at least one row.
        probes: Values of the overfitting probe, oldest first; empty without held-out patches.

    Returns:
        ``overfitted`` if the last probes show a discriminator that has memorised the training patches (see
        `is_overfitting`), else ``low variety`` if the mean spread of the last tenth of the training is below
        half of that of originals.
    """
    last = history["gan/spread_ratio"].tail(max(1, math.ceil(_LAST * len(history))))
    spread = float(last.mean())
    state: GeneratorState = "converged"
    if is_overfitting(probes):
        state = "overfitted"
    elif spread < _MIN_SPREAD:
        state = "low variety"
    return GeneratorHealth(state=state, spread_ratio=spread)
