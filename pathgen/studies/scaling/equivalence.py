"""What the curves say: how many synthetic patches equal some original ones, and whether more would help."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pathgen.studies.scaling.power_law import PowerLaw, between

_SIZES_LOOKED_AT = 3
# A doubling that takes less than this share off the error is not worth its patches.
_WORTH = 0.1


@dataclass(frozen=True)
class Equivalence:
    """How many synthetic patches per class give the error that some original ones give.

    Attributes:
        originals: Original patches per class.
        error: Error on the original curve there.
        synthetic: Synthetic patches per class, at least `smallest`; infinite where their curve never falls
            so far.
        low: Low end of the interval, likewise at least `smallest`.
        high: High end; infinite where no number can be excluded.
        smallest: The smallest synthetic size that was fitted. A number equal to it means "so many or fewer".
        reached: Whether a size that was run is as large.
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
    """Whether the end of a curve still falls.

    Attributes:
        verdict: ``saturated``: the interval of the gain holds no gain and no loss above `worth`, on
            whichever side of 0 it lies. Else ``falling``: it lies above 0; ``rising``: below 0;
            ``undecided``: it covers 0.
        gain: Error that a doubling of the size takes away, over the last sizes.
        low: Low end of its interval.
        high: High end.
        worth: A tenth of the error at the largest size: so much or less is taken for nothing.
        detectable: The least difference between two sizes that the seeds can show at this level.
        sizes: The sizes looked at.
    """

    verdict: Literal["falling", "rising", "saturated", "undecided"]
    gain: float
    low: float
    high: float
    worth: float
    detectable: float
    sizes: tuple[float, ...]


def equivalents(
    original: PowerLaw, synthetic: PowerLaw, sizes: list[float], largest: float, confidence: float
) -> list[Equivalence]:
    """Ask the fitted curves which size of the one gives the error of each size of the other.

    Args:
        original: Law of the original patches.
        synthetic: Law of the synthetic ones.
        sizes: Original patches per class to ask about, all among those fitted.
        largest: The largest synthetic size that was run.
        confidence: Level of the intervals, from the curves drawn anew around both, independently.

    Returns:
        One answer per size. Below the smallest synthetic size that was fitted the law says nothing (smaller
        ones may have been run, and have learned nothing), so that no number is less.
    """
    count = min(len(original.drawn), len(synthetic.drawn))
    answers = []
    for column, size in enumerate(sizes):
        wanted = float(original.error(size))
        equal = max(synthetic.size_for(wanted), synthetic.first)
        drawn_errors = original.errors_drawn(sizes)[:count, column]
        drawn = np.maximum(_paired(synthetic, drawn_errors, count), synthetic.first)
        low, high = between(drawn, confidence)
        answers.append(Equivalence(size, wanted, equal, low, high, synthetic.first, equal <= largest))
    return answers


def _paired(law: PowerLaw, errors: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    cut = PowerLaw(law.first, law.sizes, law.left_out, law.values, law.drawn[:count])
    return cut.sizes_drawn_for(errors)


def saturation(errors: dict[float, NDArray[np.float64]], confidence: float) -> Saturation | str:
    """Test whether the error still falls over the last three sizes.

    A line through the errors of all seeds against the binary logarithm of the size; the interval of its
    slope is Student's.

    Args:
        errors: Patches per class, rising, to the errors of the seeds.
        confidence: Level of the intervals.

    Returns:
        The verdict, or why there is none.
    """
    last = list(errors)[-_SIZES_LOOKED_AT:]
    groups = [errors[size] for size in last]
    repeats = min(len(group) for group in groups)
    if len(last) < _SIZES_LOOKED_AT or repeats < 2:
        return f"{_SIZES_LOOKED_AT} sizes with two seeds each are needed to tell"
    heights = np.concatenate(groups)
    if np.ptp(heights) == 0.0:
        return "all seeds of the last sizes have the same error, so that no trend can be told from chance"
    logs = np.concatenate([np.full(len(errors[size]), math.log2(size)) for size in last])
    line = stats.linregress(logs, heights)
    half = float(stats.t.ppf((1 + confidence) / 2, len(heights) - 2)) * float(line.stderr)
    gain = -float(line.slope)
    freedom = len(heights) - len(groups)
    spread = math.sqrt(sum(float(np.sum((group - group.mean()) ** 2)) for group in groups) / freedom)
    shown = float(stats.t.ppf((1 + confidence) / 2, freedom)) * spread * math.sqrt(2 / repeats)
    low, high = gain - half, gain + half
    worth = _WORTH * float(groups[-1].mean())
    verdict: Literal["falling", "rising", "saturated", "undecided"]
    if -worth <= low and high <= worth:
        verdict = "saturated"
    elif low > 0:
        verdict = "falling"
    else:
        verdict = "rising" if high < 0 else "undecided"
    return Saturation(verdict, gain, low, high, worth, shown, tuple(last))
