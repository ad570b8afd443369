"""Equal numbers of synthetic and original patches, and the trend at the largest sizes."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pathgen.studies.scaling.power_law import PowerLaw, between

Verdict = Literal["falling", "rising", "saturated", "undecided"]
_LAST_SIZES = 3
# Share of the error; a doubling that changes the error by less is not worth its patches.
_WORTH = 0.1


@dataclass(frozen=True)
class Equivalence:
    """Number of synthetic patches per class with the same error as a number of original ones.

    Attributes:
        originals: Original patches per class.
        error: Error on the original curve at that size.
        synthetic: Synthetic patches per class, at least `smallest`; infinite if their curve stays above.
        low: Lower end of the interval, at least `smallest`.
        high: Upper end of the interval; infinite if no number can be excluded.
        smallest: Smallest synthetic size that was fitted. A value equal to it means "at most".
        reached: Whether a size that was run is as large as `synthetic`.
    """

    originals: float
    error: float
    synthetic: float
    low: float
    high: float
    smallest: float
    reached: bool


@dataclass(frozen=True)
class Saturation:
    """Trend of the error at the largest sizes.

    Attributes:
        verdict: ``saturated``: the interval of the gain contains no gain and no loss above `worth`. Otherwise
            ``falling``: it lies above 0; ``rising``: below 0; ``undecided``: it contains 0.
        gain: Reduction of the error by doubling the size, over the last sizes.
        low: Lower end of its interval.
        high: Upper end of its interval.
        worth: A tenth of the error at the largest size; smaller changes count as none.
        detectable: Minimum detectable difference between two sizes with these seeds.
        sizes: Sizes of the test.
    """

    verdict: Verdict
    gain: float
    low: float
    high: float
    worth: float
    detectable: float
    sizes: tuple[float, ...]


def equivalents(
    original: PowerLaw, synthetic: PowerLaw, sizes: list[float], largest: float, confidence: float
) -> list[Equivalence]:
    """Compute the synthetic sizes with the same error as given original sizes.

    Args:
        original: Power law of the original patches.
        synthetic: Power law of the synthetic patches.
        sizes: Original patches per class; all among the fitted sizes.
        largest: Largest synthetic size that was run.
        confidence: Confidence level of the intervals, from independent bootstrap curves of both laws.

    Returns:
        One entry per size. No number is below the smallest synthetic size that was fitted, because the law
        does not hold there: smaller sizes may have been run and have learned nothing.
    """
    # Rows without a partner are left out.
    errors = original.errors_drawn(sizes)[: len(synthetic.drawn)]
    answers = []
    for size, drawn_errors in zip(sizes, errors.T, strict=True):
        wanted = float(original.error(size))
        equal = max(synthetic.size_for(wanted), synthetic.first)
        drawn = np.maximum(synthetic.sizes_drawn_for(drawn_errors), synthetic.first)
        low, high = between(drawn, confidence)
        answers.append(Equivalence(size, wanted, equal, low, high, synthetic.first, equal <= largest))
    return answers


def saturation(errors: dict[float, NDArray[np.float64]], confidence: float) -> Saturation | str:
    """Test whether the error still falls over the last three sizes.

    A regression line through the errors of all seeds against log2 of the size, with Student's interval of
    its slope.

    Args:
        errors: Errors of the seeds by patches per class, ascending.
        confidence: Confidence level of the interval.

    Returns:
        Result of the test, or why there is none.
    """
    last = list(errors)[-_LAST_SIZES:]
    groups = [errors[size] for size in last]
    repeats = min(len(group) for group in groups)
    if len(last) < _LAST_SIZES or repeats < 2:
        return f"{_LAST_SIZES} sizes with two seeds each are needed"
    heights = np.concatenate(groups)
    if np.ptp(heights) == 0.0:
        return "all seeds of the last sizes have the same error"
    logs = np.concatenate([np.full(len(errors[size]), math.log2(size)) for size in last])
    line = stats.linregress(logs, heights)
    half = float(stats.t.ppf((1 + confidence) / 2, len(heights) - 2)) * float(line.stderr)
    gain = -float(line.slope)
    freedom = len(heights) - len(groups)
    spread = math.sqrt(sum(float(np.sum((group - group.mean()) ** 2)) for group in groups) / freedom)
    shown = float(stats.t.ppf((1 + confidence) / 2, freedom)) * spread * math.sqrt(2 / repeats)
    low, high = gain - half, gain + half
    worth = _WORTH * float(groups[-1].mean())
    verdict: Verdict
    if -worth <= low and high <= worth:
        verdict = "saturated"
    elif low > 0:
        verdict = "falling"
    else:
        verdict = "rising" if high < 0 else "undecided"
    return Saturation(verdict, gain, low, high, worth, shown, tuple(last))
