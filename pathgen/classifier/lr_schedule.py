"""Learning-rate schedules by optimiser step."""

import math
from collections.abc import Callable

from pathgen.classifier.settings import Schedule


def lr_schedule(
    schedule: Schedule, start: float, steps: int, step_size: int | None, gamma: float | None
) -> Callable[[int], float]:
    """Return the learning rate as a function of the number of optimiser steps taken.

    Args:
        schedule: ``step``: ``start * gamma ** (taken // step_size)``, as torch's StepLR after every optimiser
            step. ``cosine``: half a cosine from `start` before the first step to 0 after the last.
        start: Learning rate of the first step.
        steps: Maximum number of optimiser steps, for ``cosine``.
        step_size: Number of optimiser steps between two cuts, for ``step``.
        gamma: Factor of each cut, for ``step``.
    """
    if schedule == "cosine":
        return lambda taken: start * 0.5 * (1.0 + math.cos(math.pi * taken / steps))
    assert step_size is not None, "checked by ClassifierSettings"
    assert gamma is not None, "checked by ClassifierSettings"
    return lambda taken: start * gamma ** (taken // step_size)
