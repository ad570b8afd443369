"""How the learning rate falls, which epoch is best, when training ends, in which order patches come."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pathgen.classifier.settings import Schedule
from pathgen.core.seeding import numpy_generator


def learning_rates(
    schedule: Schedule, start: float, steps: int, step_size: int | None, gamma: float | None
) -> Callable[[int], float]:
    """Return the learning rate as a function of the optimiser steps taken before.

    Args:
        schedule: ``step``: ``start * gamma ** (taken // step_size)``, as torch's StepLR stepped after every
            optimiser step. ``cosine``: half a cosine from `start` before the first step to 0 after the last.
        start: Learning rate of the first step.
        steps: How many there are at most; for ``cosine``.
        step_size: Optimiser steps between two cuts; for ``step``.
        gamma: What it is multiplied by at each cut; for ``step``.
    """
    if schedule == "cosine":
        return lambda taken: start * 0.5 * (1.0 + math.cos(math.pi * taken / steps))
    assert step_size is not None, "the settings ask for it"
    assert gamma is not None, "the settings ask for it"
    return lambda taken: start * gamma ** (taken // step_size)


def best_epoch(accuracies: Sequence[float]) -> int:
    """Return the number, from 1, of the epoch with the best validation accuracy; of equals the first."""
    return 1 + max(range(len(accuracies)), key=lambda number: (accuracies[number], -number))


def is_over(accuracies: Sequence[float], max_epochs: int, patience: int) -> bool:
    """Tell whether training ends.

    Args:
        accuracies: Validation accuracy of each epoch so far.
        max_epochs: Most epochs.
        patience: Epochs after the best one without a better one (an equal one is not better).

    Returns:
        True when either limit is reached.
    """
    done = len(accuracies)
    return done >= max_epochs or (done > 0 and done - best_epoch(accuracies) >= patience)


def batches(
    count: int, batch_size: int, seed: int, epoch: int, epoch_patches: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Deal the patches of one epoch, in an order that depends on the seed and the epoch alone.

    Args:
        count: How many patches there are.
        batch_size: Patches per batch; the last one takes what is left.
        seed: The training's seed.
        epoch: Number of the epoch, from 1.
        epoch_patches: How many patches make an epoch: the next so many of one pass over all of them after
            the other, each pass in an order of its own. None: one pass is an epoch.

    Yields:
        Row numbers, int64 of shape (n,).
    """
    length = count if epoch_patches is None else epoch_patches
    first = (epoch - 1) * length
    passes = range(first // count, -(-(first + length) // count))
    orders = [numpy_generator(seed, "order", number + 1).permutation(count) for number in passes]
    start = first - passes[0] * count
    rows = np.concatenate(orders)[start : start + length]
    for begin in range(0, length, batch_size):
        yield rows[begin : begin + batch_size]
