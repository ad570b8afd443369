"""Confidence intervals of rates."""

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray


def wilson_interval(share: float, count: float, confidence: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        share: Observed share, in [0, 1].
        count: Number of independent trials, above 0; not necessarily an integer, as scipy requires.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Lower and upper end, in [0, 1].

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
        successes: Number of successes.
        trials: Number of trials, at least 1.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Lower and upper end.
    """
    tail = (1 - confidence) / 2
    low = float(scipy.special.betaincinv(successes, trials - successes + 1, tail)) if successes else 0.0
    if successes == trials:
        return low, 1.0
    return low, float(scipy.special.betaincinv(successes + 1, trials - successes, 1 - tail))


def auc_with_interval(
    positive: NDArray[np.float64], negative: NDArray[np.float64], confidence: float
) -> tuple[float, float, float]:
    """Return the ROC-AUC and its confidence interval.

    Args:
        positive: Scores of the positives (members), (N,).
        negative: Scores of the negatives, (M,).
        confidence: Level of the interval, in (0, 1).

    Returns:
        AUC (ties count half), lower and upper end of the normal interval, clipped to [0, 1].

    Source:
        DeLong et al. 1988; computation by ranks after Sun and Xu 2014.
    """
    n, m = len(positive), len(negative)
    ranks = scipy.stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[:n] - scipy.stats.rankdata(positive)) / m  # share of negatives below each positive
    below = 1 - (ranks[n:] - scipy.stats.rankdata(negative)) / n
    area = float(above.mean())
    deviation = np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)
    half = float(scipy.special.ndtri((1 + confidence) / 2)) * float(deviation)
    return area, max(0.0, area - half), min(1.0, area + half)
