"""Whether a training still makes sense: numbers that left all bounds, and generators that draw one image."""

import math
from collections.abc import Mapping

# Mean loss, in nats, that no sane discriminator gives: one answer in e**100 against the truth.
LARGEST_LOSS = 100.0
# Of the originals' spread over a batch: below it the images are all but the same.
SMALLEST_SPREAD = 0.02
# Records in a row, of 200 in a training, that make a verdict: single jumps pass.
_DIVERGED_AFTER = 5
_COLLAPSED_AFTER = 10
_RATES = "Lower train_gan's learning rates"


class Health:
    """Judges the means of each record; one that stays beyond its bounds ends the training."""

    def __init__(self, *, originals_vary: bool) -> None:
        """Start well.

        Args:
            originals_vary: Whether the originals differ from each other at all; if not, images that are all
                alike are what is asked for.
        """
        self._originals_vary = originals_vary
        self._diverging = 0
        self._collapsing = 0

    @property
    def is_well(self) -> bool:
        """False from the first record beyond its bounds until one within."""
        return not self._diverging and not self._collapsing

    def judge(self, means: Mapping[str, float]) -> tuple[str, str] | None:
        """Take the means of one record.

        Args:
            means: With the two losses and the spread of every training.

        Returns:
            What is wrong and what to do about it, or None while it may go on.
        """
        for name, value in means.items():
            if not math.isfinite(value):
                return f"{name} is no finite number", f"{_RATES}, or set compute.precision to fp32"
        losses = means["gan/discriminator_loss"], means["gan/generator_loss"]
        spread = means["gan/spread_ratio"]
        self._diverging = self._diverging + 1 if max(losses) > LARGEST_LOSS else 0
        collapsed = self._originals_vary and spread < SMALLEST_SPREAD
        self._collapsing = self._collapsing + 1 if collapsed else 0
        if self._diverging == _DIVERGED_AFTER:
            told = f"discriminator {losses[0]:.3g}, generator {losses[1]:.3g} nats"
            return f"the losses stay above {LARGEST_LOSS:g} ({told}): the training diverges", _RATES
        if self._collapsing == _COLLAPSED_AFTER:
            return (
                f"the generated images differ by {spread:.1%} of what the originals do: the generator has "
                "collapsed to one image",
                f"{_RATES}, or the discriminator's alone, or choose another seed",
            )
        return None
