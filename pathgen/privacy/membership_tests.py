"""Tests of whether members and non-members are distinguishable by votes or by a score; intervals."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray

from pathgen.privacy.settings import PrivacySettings

FALSE_POSITIVE_RATE = 0.01
STRICT_FALSE_POSITIVE_RATE = 0.001


@dataclass(frozen=True)
class TestResult:
    """Result of one test.

    Attributes:
        value: Statistic; None if it is undefined.
        low: Lower end of its confidence interval.
        high: Upper end of its confidence interval.
        expected: Mean of the statistic if nothing leaks.
        p_value: Probability of a value at least this high if nothing leaks.
    """

    __test__: ClassVar[bool] = False  # no test case for pytest

    value: float | None
    low: float | None
    high: float | None
    expected: float
    p_value: float


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


def member_share(
    votes: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    settings: PrivacySettings,
    rng: np.random.Generator,
) -> TestResult:
    """Test whether members are the nearest originals of more synthetic patches than non-members are.

    Args:
        votes: Number of synthetic patches per patch of the pool, (P,).
        is_member: Whether each patch is a member, (P,).
        settings: Settings with the level of the interval and the number of labellings behind the p-value.
        rng: Random generator of the labellings.

    Returns:
        Share of the votes for members; 0.5 is expected for equal numbers. The interval is Wilson's for the
        effective number of patches with votes, (sum v)^2 / sum v^2 (Kish 1965), not for the number of votes.

    Source:
        The share with half the ties: Platzer and Reutterer 2021. The p-value compares it with random
        labellings of the pool; patches with equal votes are drawn together (multivariate hypergeometric).
    """
    total = votes.sum()
    n_members = int(is_member.sum())
    expected = n_members / len(votes)
    if total == 0:
        return TestResult(None, None, None, expected, 1.0)
    observed = float(votes[is_member].sum())
    levels, counts = np.unique(votes, return_counts=True)
    drawn = settings.n_permutations
    sampled = rng.multivariate_hypergeometric(counts, n_members, size=drawn, method="marginals")
    as_high = int((sampled @ levels >= observed - 1e-9).sum())
    effective = float(total**2 / (votes**2).sum())
    low, high = wilson_interval(observed / total, effective, settings.confidence)
    return TestResult(float(observed / total), low, high, expected, (1 + as_high) / (1 + drawn))


def _auc_test(members: NDArray[np.float64], others: NDArray[np.float64], confidence: float) -> TestResult:
    """Test by the Mann-Whitney test whether a score ranks members above non-members."""
    area, low, high = auc_with_interval(members, others, confidence)
    p_value = 1.0
    if np.ptp(np.concatenate([members, others])) > 0:
        # Normal approximation, corrected for continuity and ties.
        test = scipy.stats.mannwhitneyu(members, others, alternative="greater", method="asymptotic")
        p_value = float(test.pvalue)
    return TestResult(area, low, high, 0.5, p_value)


def false_positive_threshold(others: NDArray[np.float64], rate: float) -> tuple[int, float]:
    """Return the number of non-members that a false-positive rate allows, and the score they exceed.

    Args:
        others: Scores of the non-members.
        rate: False-positive rate in [0, 1); the number is rounded down.
    """
    allowed = int(rate * len(others) + 1e-9)
    return allowed, float(np.sort(others)[::-1][allowed])


def attack_tpr(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    *,
    confidence: float,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> TestResult:
    """Test whether a score identifies members at a low false-positive rate.

    Args:
        scores: Scores, higher for members, (P,).
        is_member: Whether each patch is a member, (P,).
        confidence: Level of the interval.
        false_positive_rate: Share of the non-members that may score above the threshold, in [0, 1).

    Returns:
        True-positive rate. The interval is the exact binomial one at that threshold. The p-value is exact for
        members and non-members in random order: as many members are ahead if the patches up to the last of
        them contain at most the allowed number of non-members.

    Source:
        Carlini et al. 2022: an attack is judged at a low false-positive rate.
    """
    members, others = scores[is_member], scores[~is_member]
    allowed, threshold = false_positive_threshold(others, false_positive_rate)
    ahead = int((members > threshold).sum())
    low, high = binomial_interval(ahead, len(members), confidence)
    p_value = scipy.stats.hypergeom.cdf(allowed, len(scores), len(others), ahead + allowed)
    expected = (allowed + 1) / (len(others) + 1)
    return TestResult(ahead / len(members), low, high, expected, float(p_value))


def score_tests(
    name: str, scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, confidence: float
) -> dict[str, TestResult]:
    """Run all tests of a score.

    Args:
        name: Name of the attack.
        scores: Scores, higher for members, (P,).
        is_member: Whether each patch is a member, (P,).
        confidence: Level of the intervals.

    Returns:
        Results ``{name}_auc``, ``{name}_tpr`` and ``{name}_strict_tpr``. The ROC-AUC (0.5 is expected) is
        insensitive to rare copying; its p-value is 1 for equal scores. The last result allows no false
        positive below 1,000 non-members: it is the most powerful if a few copies have the highest scores.
    """
    results = {f"{name}_auc": _auc_test(scores[is_member], scores[~is_member], confidence)}
    for ending, rate in (("tpr", FALSE_POSITIVE_RATE), ("strict_tpr", STRICT_FALSE_POSITIVE_RATE)):
        results[f"{name}_{ending}"] = attack_tpr(
            scores, is_member, confidence=confidence, false_positive_rate=rate
        )
    return results
