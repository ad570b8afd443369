"""When the learning rate is cut, which epoch is best, when training ends, in which order patches come."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pathgen.seeding import numpy_generator


def learning_rate_at(step: int, start: float, step_size: int, gamma: float) -> float:
    """Return the stepped learning rate.

    Args:
        step: Optimiser steps taken before, from 0.
        start: Learning rate of the first step.
        step_size: Optimiser steps between two cuts.
        gamma: What it is multiplied by at each cut.

    Returns:
        ``start * gamma ** (step // step_size)``, as torch's StepLR stepped after every optimiser step.
    """
    return start * gamma ** (step // step_size)


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
