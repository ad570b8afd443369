"""Divergence monitor: ends a training whose losses explode or whose generator collapses to one image."""

import math
from collections.abc import Mapping

# Upper limit of a mean loss in nats: a wrong answer at odds of e**100.
MAX_LOSS = 100.0
# Lower limit of the spread of generated images, relative to that of originals.
MIN_SPREAD = 0.02
# Log intervals in a row, of 200 in a training, after which it ends; single peaks pass.
_DIVERGED_AFTER = 5
_COLLAPSED_AFTER = 10
_RATES = "Lower the learning rates of the recipe"


class DivergenceMonitor:
    """Checks the means of each log interval; values out of bounds for several intervals end the training."""

    def __init__(self, *, originals_vary: bool) -> None:
        """Start healthy.

        Args:
            originals_vary: Whether to check for collapse: False if all originals are equal.
        """
        self._originals_vary = originals_vary
        self._diverging = 0
        self._collapsing = 0

    @property
    def is_healthy(self) -> bool:
        """Whether the last log interval was within bounds."""
        return not self._diverging and not self._collapsing

    def check(self, means: Mapping[str, float]) -> tuple[str, str] | None:
        """Check the means of one log interval.

        Args:
            means: Means of the statistics, by key.

        Returns:
            Reason and hint if the training must end, else None.
        """
        for name, value in means.items():
            if not math.isfinite(value):
                return f"{name} is not finite", f"{_RATES}, or set compute.precision to fp32"
        losses = means["gan/discriminator_loss"], means["gan/generator_loss"]
        spread = means["gan/spread_ratio"]
        self._diverging = self._diverging + 1 if max(losses) > MAX_LOSS else 0
        collapsed = self._originals_vary and spread < MIN_SPREAD
        self._collapsing = self._collapsing + 1 if collapsed else 0
        if self._diverging == _DIVERGED_AFTER:
            values = f"discriminator {losses[0]:.3g}, generator {losses[1]:.3g} nats"
            return f"the losses stay above {MAX_LOSS:g} ({values}): the training diverges", _RATES
        if self._collapsing == _COLLAPSED_AFTER:
            return (
                f"the spread of generated images is {spread:.1%} of that of originals: the generator has "
                "collapsed to one image",
                f"{_RATES}, or that of the discriminator alone, or choose another seed",
            )
        return None
