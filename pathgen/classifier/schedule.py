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


def batches(count: int, batch_size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Deal all patches once, in an order that depends on the seed and the epoch alone.

    Args:
        count: How many patches there are.
        batch_size: Patches per batch; the last one takes what is left.
        seed: The training's seed.
        epoch: Number of the epoch, from 1.

    Yields:
        Row numbers, int64 of shape (n,).
    """
    order = numpy_generator(seed, "order", epoch).permutation(count)
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]
