"""When a trial is given up."""

from collections.abc import Mapping, Sequence

import numpy as np

#: Steps of one seed; above the number of epochs of any training.
STRIDE = 100_000


def step_of(place: int, epoch: int) -> int:
    """Return the step of a trial: seeds come one after the other, each with its epochs.

    Args:
        place: Place of the seed in the list of seeds, from 0.
        epoch: Number of the epoch, from 1.

    Returns:
        The step.
    """
    assert epoch < STRIDE, epoch
    return place * STRIDE + epoch


def falls_behind(
    step: int,
    value: float,
    finished: Sequence[Mapping[int, float]],
    *,
    quantile: float,
    after_trials: int,
    after_epochs: int,
) -> bool:
    """Tell whether a trial is worse than most finished ones were at the same seed and epoch.

    Both sides are means of best accuracies so far, which never fall within a seed: a trial whose seed
    stopped early stands at later epochs of that seed where it stopped.

    Args:
        step: Where the trial is, see `step_of`.
        value: What it has reached there: the mean, over its seeds so far, of the best accuracy so far.
        finished: Step to value of each finished trial.
        quantile: In [0, 1); 0 prunes nothing.
        after_trials: Finished trials needed.
        after_epochs: Epochs of a seed before anything is compared.

    Returns:
        True when the trial shall end.
    """
    if quantile == 0 or len(finished) < after_trials or step % STRIDE < after_epochs:
        return False
    first = step - step % STRIDE
    there = [
        values[max(known)]
        for values in finished
        if (known := [other for other in values if first < other <= step])
    ]
    return len(there) >= after_trials and value < float(np.quantile(there, quantile))
