"""The best epoch of a training, and when the training stops."""

from collections.abc import Sequence


def best_epoch(accuracies: Sequence[float]) -> int:
    """Return the number of the epoch with the best validation accuracy.

    Args:
        accuracies: Validation accuracy of each epoch.

    Returns:
        Number of the epoch, from 1; the first of several equal ones.
    """
    return 1 + max(range(len(accuracies)), key=lambda number: (accuracies[number], -number))


def should_stop(accuracies: Sequence[float], max_epochs: int, patience: int) -> bool:
    """Return whether the training stops.

    Args:
        accuracies: Validation accuracy of each epoch so far.
        max_epochs: Maximum number of epochs.
        patience: Number of epochs after the best one without a better one; an equal one is not better.

    Returns:
        True when either limit is reached.
    """
    done = len(accuracies)
    return done >= max_epochs or (done > 0 and done - best_epoch(accuracies) >= patience)
