"""Turn the interval of a difference in accuracy into an answer: non-inferiority within a margin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pathgen.results.comparison_record import Comparison, MetricDifference
from pathgen.results.verdict_record import UsefulAdded, UsefulAlone

T = TypeVar("T")

#: Metric of the answers.
METRIC = "accuracy"


def accuracy_difference(comparison: Comparison, classifier: str, regime: str) -> MetricDifference | None:
    """Return the accuracy of a regime minus that of the original one; None when it was not compared."""
    found = comparison.difference(classifier, regime, "original")
    return None if found is None else found.metrics.get(METRIC)


@dataclass(frozen=True)
class Answered(Generic[T]):
    """Answer about one regime.

    Attributes:
        outcome: The answer.
        difference: The difference in accuracy that it rests on.
        rests_on_failed: Whether it would be another without the trainings that did not converge.
        single: Whether a regime has one training only.
    """

    outcome: T | Literal["inconclusive"]
    difference: MetricDifference
    rests_on_failed: bool = False
    single: bool = False


def answer_regime(
    comparison: Comparison,
    classifier: str,
    regime: str,
    question: Callable[[float | None, float | None, float], T],
    margin: float,
    *,
    may_fail: bool = False,
) -> Answered[T] | None:
    """Answer a question about a regime; None when it was not compared with the original one.

    The answer is inconclusive when a regime has one training only, whose spread is unknown, and when it
    changes if the interval is moved to the difference without the trainings that did not converge.

    Args:
        comparison: Comparison of the regimes.
        classifier: Name of the classifier.
        regime: Regime with its generator, e.g. ``synthetic-dcgan``.
        question: `useful_alone` or `useful_added`.
        margin: Non-inferiority margin, a difference in accuracy.
        may_fail: Whether trainings of the regime (not of the original one) that did not converge count like
            the others, as on noise, from which nothing can be learnt.
    """
    one = accuracy_difference(comparison, classifier, regime)
    rows = [comparison.regime(classifier, name) for name in (regime, "original")]
    compared = [row for row in rows if row is not None]
    if one is None or len(compared) < len(rows):
        return None
    outcome: T | Literal["inconclusive"] = question(one.low, one.high, margin)
    if min(row.trainings for row in compared) < 2:
        return Answered("inconclusive", one, single=True)
    in_doubt = compared[1:] if may_fail else compared
    if not any(row.not_converged for row in in_doubt) or one.low is None or one.high is None:
        return Answered(outcome, one)
    moved = None if one.converged is None else one.converged - one.difference
    changes = moved is None or question(one.low + moved, one.high + moved, margin) != outcome
    return Answered("inconclusive" if changes else outcome, one, rests_on_failed=changes)


def answer_fields(found: Answered[Any]) -> dict[str, Any]:
    """Return the fields that every answer has in addition to its outcome."""
    one = found.difference
    return {
        "difference": one.difference,
        "low": one.low,
        "high": one.high,
        "without_failed": one.converged,
        "units": {name: part.count for name, part in one.components.items()},
        "rests_on_failed": found.rests_on_failed,
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
    """Answer whether synthetic patches help in addition to original ones (arguments as in `useful_alone`).

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
