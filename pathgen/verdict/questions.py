"""Turn the interval of a difference in accuracy into an answer: non-inferiority within a margin."""

from typing import Any

from pathgen.results.comparison_record import Comparison, MetricDifference
from pathgen.results.verdict_record import UsefulAdded, UsefulAlone

#: Metric of the answers.
METRIC = "accuracy"


def accuracy_difference(comparison: Comparison, classifier: str, regime: str) -> MetricDifference | None:
    """Return the accuracy of a regime minus that of the original one; None when it was not compared."""
    found = comparison.difference(classifier, regime, "original")
    return None if found is None else found.metrics.get(METRIC)


def interval_fields(one: MetricDifference) -> dict[str, Any]:
    """Return the fields of a difference that every answer has."""
    return {
        "difference": one.difference,
        "low": one.low,
        "high": one.high,
        "without_failed": one.converged,
        "units": {name: part.count for name, part in one.components.items()},
    }


def useful_alone(low: float | None, high: float | None, margin: float) -> UsefulAlone:
    """Answer whether synthetic patches may replace original ones.

    Args:
        low: Lower end of the two-sided confidence interval of the accuracy with synthetic minus that with
            original patches; None without an interval.
        high: Upper end.
        margin: Largest loss that is accepted, above 0.

    Returns:
        ``adequate`` if the whole interval lies above -margin: a one-sided test of non-inferiority at half the
        level of the interval (2.5 % at 95 % confidence). ``inadequate`` if it lies below.

    Source: Piaggio et al., JAMA 2012 (CONSORT extension for non-inferiority trials).
    """
    if low is None or high is None:
        return "inconclusive"
    if low > -margin:
        return "adequate"
    return "inadequate" if high < -margin else "inconclusive"


def useful_added(low: float | None, high: float | None, margin: float) -> UsefulAdded:
    """Answer whether synthetic patches help beside original ones (arguments as in `useful_alone`).

    Returns:
        ``helps`` if the interval lies above 0, ``no harm`` if it lies above -margin, ``harms`` if it lies
        below 0 and reaches below -margin.
    """
    if low is None or high is None:
        return "inconclusive"
    if low > 0:
        return "helps"
    if low > -margin:
        return "no harm"
    return "harms" if high < 0 else "inconclusive"


def distance_alone(difference: float, margin: float) -> float:
    """Return the half-width below which the interval of `useful_alone` is conclusive."""
    return abs(difference + margin)


def distance_added(difference: float, margin: float) -> float:
    """Return the half-width below which the interval of `useful_added` is conclusive."""
    return max(difference + margin, -difference)
