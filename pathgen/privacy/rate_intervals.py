"""Intervals and exact probabilities that the attacks report."""

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray


def wilson_interval(share: float, count: float, confidence: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        share: The observed share, in [0, 1].
        count: Number of independent trials behind it, above 0; need not be whole.
        confidence: Coverage, in (0, 1).

    Returns:
        Low and high, within [0, 1].

    Source:
        Wilson 1927.
    """
    z = float(scipy.special.ndtri((1 + confidence) / 2))
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def binomial_interval(successes: int, trials: int, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper and Pearson 1934).

    Args:
        successes: Observed successes.
        trials: Number of trials, at least 1.
        confidence: Coverage, in (0, 1).

    Returns:
        Low and high.
    """
    tail = (1 - confidence) / 2
    low = float(scipy.special.betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    high = (
        float(scipy.special.betaincinv(successes + 1, trials - successes, 1 - tail))
        if successes < trials
        else 1.0
    )
    return low, high


def auc_with_interval(
    positive: NDArray[np.float64], negative: NDArray[np.float64], confidence: float
) -> tuple[float, float, float]:
    """Return the area under the ROC curve and its interval.

    Args:
        positive: Scores of the positives (members), (N,).
        negative: Scores of the negatives, (M,).
        confidence: Coverage, in (0, 1).

    Returns:
        Area (ties count half), low, high. The interval is normal, cut to [0, 1].

    Source:
        DeLong et al. 1988; the ranks by Sun and Xu 2014.
    """
    n, m = len(positive), len(negative)
    ranks = scipy.stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[:n] - scipy.stats.rankdata(positive)) / m  # share of negatives below each positive
    below = 1 - (ranks[n:] - scipy.stats.rankdata(negative)) / n
    area = float(above.mean())
    deviation = np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)
    reach = float(scipy.special.ndtri((1 + confidence) / 2)) * float(deviation)
    return area, max(0.0, area - reach), min(1.0, area + reach)


def rank_p_value(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return the p-value of the Mann-Whitney test that positives score higher.

    Args:
        positive: Scores of the positives, (N,).
        negative: Scores of the negatives, (M,).

    Returns:
        One-sided, by the normal approximation with the corrections for continuity and ties; 1 where all
        scores are equal.

    Source:
        Mann and Whitney 1947; variance under ties as in Lehmann 1975, eq. 1.35.
    """
    n, m = len(positive), len(negative)
    scores = np.concatenate([positive, negative])
    ties = np.unique(scores, return_counts=True)[1].astype(np.float64)
    total = n + m
    variance = n * m / 12 * (total + 1 - (ties * (ties * ties - 1)).sum() / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    wins = scipy.stats.rankdata(scores)[:n].sum() - n * (n + 1) / 2
    return float(scipy.special.ndtr(-(wins - n * m / 2 - 0.5) / np.sqrt(variance)))


def head_p_value(members_ahead: int, allowed: int, n_members: int, n_nonmembers: int) -> float:
    """Return how likely chance puts so many members ahead of all but a few non-members.

    Args:
        members_ahead: Members that score above the (allowed + 1)-th best non-member.
        allowed: Non-members that may score above the threshold.
        n_members: Members in all.
        n_nonmembers: Non-members in all, above `allowed`.

    Returns:
        P(at least `members_ahead`) when members and non-members are in random order: the first
        `members_ahead + allowed` of the order hold at most `allowed` non-members.
    """
    drawn = members_ahead + allowed
    return float(scipy.stats.hypergeom.cdf(allowed, n_members + n_nonmembers, n_nonmembers, drawn))
