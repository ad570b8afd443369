"""Learning rate, best epoch and end of a training."""

import math
from collections.abc import Sequence

from pathgen.classifier.settings import ClassifierSettings


def learning_rate(recipe: ClassifierSettings, taken: int, steps: int) -> float:
    """Return the learning rate of the next optimiser step.

    Args:
        recipe: Recipe. Its `lr_schedule` ``step`` is torch's StepLR after every optimiser step; ``cosine`` is
            half a cosine from the initial rate before the first step to 0 after the last.
        taken: Number of optimiser steps taken.
        steps: Maximum number of optimiser steps.
    """
    if recipe.lr_schedule == "cosine":
        return recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * taken / steps))
    assert recipe.lr_step_steps is not None and recipe.lr_gamma is not None, "checked by ClassifierSettings"
    return recipe.learning_rate * recipe.lr_gamma ** (taken // recipe.lr_step_steps)


def best_epoch(accuracies: Sequence[float]) -> int:
    """Return the number of the epoch, from 1, with the best validation accuracy; the first of equal ones."""
    return 1 + max(range(len(accuracies)), key=lambda number: (accuracies[number], -number))


def should_stop(accuracies: Sequence[float], max_epochs: int, patience: int) -> bool:
    """Return whether the training stops.

    Args:
        accuracies: Validation accuracy of each epoch so far.
        max_epochs: Maximum number of epochs.
        patience: Number of epochs after the best one without a better one; an equal one is not better.
    """
    done = len(accuracies)
    return done >= max_epochs or (done > 0 and done - best_epoch(accuracies) >= patience)
