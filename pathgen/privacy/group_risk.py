"""Whom it concerns: risk per slide and patient, the most exposed patches, and whether slides can be told."""

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.attacks import FALSE_POSITIVE_RATE, Finding
from pathgen.privacy.rate_intervals import auc_with_interval, binomial_interval


def risk_by_group(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    group: Sequence[str],
    *,
    confidence: float,
) -> list[dict[str, Any]]:
    """Say which share of each group's training patches an attacker names who errs on 1 % of all non-members.

    Args:
        scores: Higher means "member", (P,).
        is_member: Which were members, (P,).
        group: Slide or patient of each, (P,).
        confidence: Coverage of the exact binomial intervals.

    Returns:
        One entry per group with members, sorted by name: ``name``, ``members``, ``nonmembers``, ``named``,
        ``tpr``, ``low``, ``high``, ``expected``, and ``auc`` among the group's own patches, None without
        non-members of it. With many groups some intervals miss 1 % by chance.
    """
    names = np.asarray(group, dtype=str)
    others = scores[~is_member]
    allowed = int(FALSE_POSITIVE_RATE * len(others) + 1e-9)
    threshold = np.sort(others)[::-1][allowed]
    entries = []
    for name in np.unique(names[is_member]).tolist():
        own, same = scores[is_member & (names == name)], scores[~is_member & (names == name)]
        named = int((own > threshold).sum())
        low, high = binomial_interval(named, len(own), confidence)
        area = (own[:, None] > same).mean() + (own[:, None] == same).mean() / 2 if len(same) else None
        entries.append(
            {
                "name": name,
                "members": len(own),
                "nonmembers": len(same),
                "named": named,
                "tpr": named / len(own),
                "low": low,
                "high": high,
                "expected": (allowed + 1) / (len(others) + 1),
                "auc": None if area is None else float(area),
            }
        )
    return entries


def slides_told_apart(
    seen: NDArray[np.float64],
    seen_slides: Sequence[str],
    unseen: NDArray[np.float64],
    unseen_slides: Sequence[str],
    *,
    confidence: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> Finding | None:
    """Test whether slides that were learnt from can be told from slides that were not.

    Args:
        seen: Scores of patches of slides that were learnt from, higher means "member", (P,).
        seen_slides: Their slides, (P,).
        unseen: Scores of patches of other slides, (Q,).
        unseen_slides: Their slides, (Q,).
        confidence: Coverage of the interval.
        n_permutations: Random exchanges of slides behind the p-value, where there are more than so many.
        rng: Source of the exchanges.

    Returns:
        Area under the ROC curve of the slides' mean scores; 0.5 is expected of slides that are alike. The
        p-value exchanges whole slides: patches of one are not independent. None with fewer than two slides on
        either side. A generator that copies nothing may be found too: it makes patches in the style of the
        slides it learnt from.
    """
    means = []
    for scores, slides in ((seen, seen_slides), (unseen, unseen_slides)):
        _, number = np.unique(np.asarray(slides, dtype=str), return_inverse=True)
        means.append(np.bincount(number, weights=scores) / np.bincount(number))
    n, m = len(means[0]), len(means[1])
    if min(n, m) < 2:
        return None
    pooled = np.concatenate(means)
    wins = (pooled[:, None] > pooled) + 0.5 * (pooled[:, None] == pooled)
    observed = wins[:n, n:].sum()

    def statistic(rows: NDArray[np.int64]) -> float:
        others = np.setdiff1d(np.arange(n + m), rows)
        return float(wins[np.ix_(rows, others)].sum())

    if comb(n + m, n) <= n_permutations:
        exchanged = [statistic(np.array(rows)) for rows in combinations(range(n + m), n)]
        p_value = float(np.mean(np.array(exchanged) >= observed - 1e-9))
    else:
        drawn = [statistic(rng.permutation(n + m)[:n]) for _ in range(n_permutations)]
        p_value = float((1 + (np.array(drawn) >= observed - 1e-9).sum()) / (1 + n_permutations))
    area, low, high = auc_with_interval(means[0], means[1], confidence)
    return Finding(area, low, high, 0.5, p_value)


def exposed_first(distance: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.int64]:
    """Order training patches by how much closer a synthetic patch comes than fresh originals do.

    Args:
        distance: Of each to its nearest synthetic patch, (n,).
        usual: Of each to its nearest reference patch, (n,).

    Returns:
        Rows, the most exposed first: by the ratio of both, so that a patch like many others is not listed
        for being common.
    """
    return np.argsort(distance / np.maximum(usual, 1e-9), kind="stable")
