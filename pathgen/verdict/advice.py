"""Size of a study that would settle an inconclusive answer, from the variance components at hand."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pathgen.results.comparison_record import Component, ErrorComponent
from pathgen.results.verdict_record import Needed

# Largest factor that is tried, and steps per unit of the common factor.
_MOST = 100
_STEPS = 20
# Numbers of units that are tried: every one below about 1,000, above that one in a thousandth.
_TRIED = 5000


def half_width(
    components: Mapping[Component, ErrorComponent],
    factors: Mapping[Component, NDArray[np.float64] | float],
    confidence: float,
) -> NDArray[np.float64]:
    """Predict the half-width of the interval of studies of other sizes.

    Args:
        components: Variance components of the difference; at least one.
        factors: Source of variation to the factors of its number of units, float64 (N,) or one number; 1
            where it is absent.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Student's quantile times the standard error, float64 (N,) or (). An error falls with the square root
        of the number of units, and its degrees of freedom grow in proportion to the number; those of the sum
        are Welch and Satterthwaite's, as in `combine_se`.
    """
    variance, squares = np.zeros(()), np.zeros(())
    for name, one in components.items():
        factor = np.asarray(factors.get(name, 1.0), dtype=np.float64)
        freedom = one.freedom + (factor - 1) * one.count * one.freedom / max(one.count - 1, 1)
        variance = variance + one.error**2 / factor
        squares = squares + (one.error**2 / factor) ** 2 / freedom
    return np.asarray(stats.t.ppf((1 + confidence) / 2, variance**2 / squares) * np.sqrt(variance))


def needed(components: Mapping[Component, ErrorComponent], distance: float, confidence: float) -> Needed:
    """Return the numbers of units with which the half-width falls below a distance.

    More units of one source may widen the interval again: where another source with few degrees of freedom
    remains, their quantile counts. So the first number that suffices is searched, not the last that does not.

    Args:
        components: Variance components of the difference; at least one.
        distance: Half-width to fall below, > 0.
        confidence: Level of the interval, in (0, 1).
    """
    alone: dict[Component, int | None] = {}
    for name, one in components.items():
        counts = np.unique(np.ceil(np.geomspace(one.count + 1, _MOST * one.count, _TRIED)))
        enough = half_width(components, {name: counts / one.count}, confidence) < distance
        alone[name] = int(counts[enough][0]) if enough.any() else None
    steps = np.arange(_STEPS + 1, _STEPS * _MOST + 1) / _STEPS
    enough = half_width(components, dict.fromkeys(components, steps), confidence) < distance
    return Needed(distance=distance, alone=alone, factor=float(steps[enough][0]) if enough.any() else None)
