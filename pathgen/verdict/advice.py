"""Size of a study that would settle an inconclusive answer, from the variance components at hand."""

import math
from collections.abc import Mapping

from scipy import stats

from pathgen.metrics.statistics.confidence_intervals import StandardError, combine_se
from pathgen.results.comparison_record import Component, ErrorComponent
from pathgen.results.verdict_record import Needed

# Largest factor that is tried, and steps per unit of the common factor.
_MOST = 100
_STEPS = 20


def half_width(
    components: Mapping[Component, ErrorComponent], factors: Mapping[Component, float], confidence: float
) -> float:
    """Predict the half-width of the interval of a study of another size.

    Args:
        components: Variance components of the difference.
        factors: Source of variation to the factor of its number of units; 1 where it is absent.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Student's quantile times the standard error. An error falls with the square root of the number of
        units, and its degrees of freedom grow in proportion to the number.
    """
    errors = [
        StandardError(
            one.error / math.sqrt(factors.get(name, 1.0)),
            one.freedom + (factors.get(name, 1.0) - 1) * one.count * one.freedom / max(one.count - 1, 1),
        )
        for name, one in components.items()
    ]
    total = combine_se(errors)
    assert total is not None, "a difference has at least one component"
    return float(stats.t.ppf((1 + confidence) / 2, total.freedom)) * total.error


def needed(components: Mapping[Component, ErrorComponent], distance: float, confidence: float) -> Needed:
    """Return the numbers of units with which the half-width falls below a distance.

    Args:
        components: Variance components of the difference; at least one.
        distance: Half-width to fall below, > 0.
        confidence: Level of the interval, in (0, 1).
    """
    alone: dict[Component, int | None] = {}
    for name, one in components.items():
        counts = range(one.count + 1, _MOST * one.count + 1)
        alone[name] = _first(counts, components, {name: 1 / one.count}, distance, confidence)
    scale: dict[Component, float] = dict.fromkeys(components, 1 / _STEPS)
    step = _first(range(_STEPS + 1, _STEPS * _MOST + 1), components, scale, distance, confidence)
    return Needed(distance=distance, alone=alone, factor=None if step is None else step / _STEPS)


def _first(
    counts: range,
    components: Mapping[Component, ErrorComponent],
    unit: Mapping[Component, float],
    distance: float,
    confidence: float,
) -> int | None:
    """Return the first count at which the half-width is small enough; it falls as the count grows."""

    def enough(count: int) -> bool:
        factors = {name: count * one for name, one in unit.items()}
        return half_width(components, factors, confidence) < distance

    if not enough(counts[-1]):
        return None
    low, high = counts[0], counts[-1]
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
