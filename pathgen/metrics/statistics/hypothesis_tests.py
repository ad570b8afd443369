"""Comparisons of two classifiers on the same test patches."""

import numpy as np
import scipy.special
from numpy.typing import NDArray
from scipy import stats

from pathgen.metrics.statistics.confidence_intervals import StandardError


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Test whether two classifiers have the same accuracy by their discordant patches.

    Args:
        first_right: Whether the first classifier is right, bool (N,).
        second_right: Whether the second is right on the same patches, bool (N,).

    Returns:
        Number of patches that only the first classifies correctly, number that only the second does, and the
        exact two-sided p-value. It is too small, because patches of a slide are not independent.

    Source: McNemar, Psychometrika 1947; exact as the binomial test of the discordant patches at 1/2.
    """
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(second_right & ~first_right))
    if only_first + only_second == 0:
        return 0, 0, 1.0
    return only_first, only_second, float(stats.binomtest(only_first, only_first + only_second).pvalue)


def p_value(difference: float, spread: StandardError) -> float:
    """Return the two-sided p-value of a difference: below 1 - c where its interval of level c excludes 0."""
    return float(2 * stats.t.sf(abs(difference) / spread.error, spread.freedom))


def minimum_detectable_difference(spread: StandardError, confidence: float, power: float) -> float:
    """Return the minimum detectable difference of a two-sided test.

    Args:
        spread: Standard error of the difference.
        confidence: 1 minus the level of the test, in (0, 1).
        power: Probability, above 0.5, that the test finds the difference in its true direction.

    Returns:
        The true difference, in the unit of the metric.

    Source: Student's statistic of a true difference d is noncentral t, d / standard error its noncentrality
    (Johnson, Kotz and Balakrishnan, Continuous univariate distributions 2, 1995, chapter 31).
    """
    critical = stats.t.ppf((1 + confidence) / 2, spread.freedom)
    return float(scipy.special.nctdtrinc(spread.freedom, 1 - power, critical)) * spread.error
