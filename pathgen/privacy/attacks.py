"""The attacks: can members be told from non-members by looking at the synthetic set?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.attack_features import Evidence
from pathgen.privacy.rate_intervals import (
    auc_with_interval,
    binomial_interval,
    head_p_value,
    rank_p_value,
    wilson_interval,
)

FALSE_POSITIVE_RATE = 0.01
STRICT_FALSE_POSITIVE_RATE = 0.001

_CLOSER = {"l2": "pixels", "ncc": "correlation", "features": "colour and texture"}
_ATTACKS = {
    "ganleaks_l2": "closeness in pixels",
    "ganleaks_ncc": "closeness in correlation",
    "ganleaks_features": "closeness in colour and texture",
    "calibrated_l2": "closeness in pixels, allowing for how common a patch is",
    "calibrated_ncc": "closeness in correlation, allowing for how common a patch is",
    "montecarlo": "how many synthetic patches lie around it",
    "domias": "whether synthetic patches lie more densely around it than originals do",
}

QUESTIONS = {
    **{
        f"closer_{measure}": "Do synthetic patches lie closer to training patches than to unseen ones "
        f"({what})?"
        for measure, what in _CLOSER.items()
    },
    "close_ncc": "Where a synthetic patch comes closer to an original than other originals do, "
    "is it to a training patch?",
    **{
        f"{attack}_auc": f"Can training patches be told from unseen ones by {what}?"
        for attack, what in _ATTACKS.items()
    },
    **{
        f"{attack}_tpr": f"Are the few patches that stand out most training patches, judged by {what}?"
        for attack, what in _ATTACKS.items()
    },
    **{
        f"{attack}_strict_tpr": f"Are the very first of them training patches, judged by {what}?"
        for attack, what in _ATTACKS.items()
    },
}
"""What each test asks, in plain words; yes means leakage."""

MEMBERSHIP = tuple(name for name in QUESTIONS if name.endswith("_auc"))
"""The attacks that tell training patches from unseen ones, over all thresholds."""


@dataclass(frozen=True)
class Finding:
    """Result of one test.

    Attributes:
        value: The measure; None where there is nothing to measure on.
        low: Lower end of its interval.
        high: Upper end.
        expected: What it is on average when nothing leaks.
        p_value: Probability, when nothing leaks, of a value at least this high.
    """

    value: float | None
    low: float | None
    high: float | None
    expected: float
    p_value: float


def member_share(
    votes: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    *,
    confidence: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> Finding:
    """Measure which share of the synthetic patches has a member as its nearest original.

    Args:
        votes: Synthetic patches per pool patch, (P,).
        is_member: Which pool patches were members, (P,).
        confidence: Coverage of the interval.
        n_permutations: Random labellings behind the p-value.
        rng: Source of the labellings.

    Returns:
        The share; half is expected for equal numbers. The interval is Wilson's for the effective number
        of pool patches voted for, (sum v)^2 / sum v^2 (Kish 1965), not for the number of votes.

    Source:
        The share with half the ties: Platzer and Reutterer 2021. The p-value compares it with random
        labellings of the pool: patches with equal votes are drawn together (multivariate hypergeometric).
    """
    total = votes.sum()
    n_members = int(is_member.sum())
    expected = n_members / len(votes)
    if total == 0:
        return Finding(None, None, None, expected, 1.0)
    observed = float(votes[is_member].sum())
    levels, counts = np.unique(votes, return_counts=True)
    drawn = rng.multivariate_hypergeometric(counts, n_members, size=n_permutations, method="marginals")
    as_high = int((drawn @ levels >= observed - 1e-9).sum())
    effective = float(total**2 / (votes**2).sum())
    low, high = wilson_interval(observed / total, effective, confidence)
    return Finding(float(observed / total), low, high, expected, (1 + as_high) / (1 + n_permutations))


def attack_auc(scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, confidence: float) -> Finding:
    """Measure how well a score tells members from non-members over all thresholds.

    Args:
        scores: Higher means "member", (P,).
        is_member: Which were members, (P,).
        confidence: Coverage of the interval.

    Returns:
        Area under the ROC curve; 0.5 is expected. It overlooks rare copying: see `attack_tpr`.
    """
    members, others = scores[is_member], scores[~is_member]
    area, low, high = auc_with_interval(members, others, confidence)
    return Finding(area, low, high, 0.5, rank_p_value(members, others))


def attack_tpr(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    *,
    confidence: float,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> Finding:
    """Measure which share of the members an attacker names who errs on few of the non-members.

    Args:
        scores: Higher means "member", (P,).
        is_member: Which were members, (P,).
        confidence: Coverage of the interval.
        false_positive_rate: Share of the non-members that may be named, in [0, 1).

    Returns:
        The share of members that score above all but that share (rounded down) of the non-members. The
        interval is the exact binomial one at that threshold; the p-value is exact for the random order.

    Source:
        Carlini et al. 2022: an attack is judged at a low false positive rate.
    """
    members, others = scores[is_member], scores[~is_member]
    allowed = int(false_positive_rate * len(others) + 1e-9)
    threshold = np.sort(others)[::-1][allowed]
    ahead = int((members > threshold).sum())
    low, high = binomial_interval(ahead, len(members), confidence)
    return Finding(
        ahead / len(members),
        low,
        high,
        (allowed + 1) / (len(others) + 1),
        head_p_value(ahead, allowed, len(members), len(others)),
    )


def attack_scores(evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """Return what each attack that looks at the synthetic set only says of each pool patch.

    Args:
        evidence: What the synthetic set says about each original patch.

    Returns:
        Attack to scores, (P,); higher means "member".

    Source:
        GAN-Leaks, black box and calibrated: Chen et al. 2020, section 4: minus the distance to the nearest
        synthetic patch, calibrated by that to the nearest reference patch. Monte Carlo: Hilprecht et al.
        2019, with the median heuristic. DOMIAS: see `pathgen.privacy.density.density_ratio`.
    """
    scores = {f"ganleaks_{measure}": -distance for measure, distance in evidence.distance.items()}
    return {
        **scores,
        "calibrated_l2": evidence.reference_distance["l2"] - evidence.distance["l2"],
        # As a ratio: of two patches with the same gain the copy is at a distance of nearly nothing.
        "calibrated_ncc": -evidence.distance["ncc"] / np.maximum(evidence.reference_distance["ncc"], 1e-9),
        "montecarlo": evidence.nearby,
        "domias": evidence.density_ratio,
    }


def run_attacks(
    evidence: Evidence, *, confidence: float, n_permutations: int, rng: np.random.Generator
) -> dict[str, Finding]:
    """Run every test that has a part in the verdict.

    Args:
        evidence: What the synthetic set says about each original patch.
        confidence: Coverage of the intervals.
        n_permutations: Random labellings behind the p-values of counts.
        rng: Source of the labellings.

    Returns:
        Findings by the names in `QUESTIONS`.
    """
    is_member = evidence.is_member
    found: dict[str, Finding] = {}

    def share(votes: NDArray[np.float64]) -> Finding:
        return member_share(votes, is_member, confidence=confidence, n_permutations=n_permutations, rng=rng)

    for measure, votes in evidence.votes.items():
        found[f"closer_{measure}"] = share(votes)
    found["close_ncc"] = share(evidence.close_votes)
    for attack, scores in attack_scores(evidence).items():
        found |= attacked(attack, scores, is_member, confidence=confidence)
    return {name: found[name] for name in QUESTIONS}


def attacked(
    name: str, scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, confidence: float
) -> dict[str, Finding]:
    """Measure an attack over all thresholds, at 1 % and at 0.1 % of non-members named wrongly.

    Args:
        name: Of the attack.
        scores: Higher means "member", (P,).
        is_member: Which were members, (P,).
        confidence: Coverage of the intervals.

    Returns:
        Findings ``{name}_auc``, ``{name}_tpr`` and ``{name}_strict_tpr``. The last allows no error at all
        below 1,000 non-members: where a few copies outrank every other patch it is by far the surest.
    """
    strict = STRICT_FALSE_POSITIVE_RATE
    return {
        f"{name}_auc": attack_auc(scores, is_member, confidence=confidence),
        f"{name}_tpr": attack_tpr(scores, is_member, confidence=confidence),
        f"{name}_strict_tpr": attack_tpr(
            scores, is_member, confidence=confidence, false_positive_rate=strict
        ),
    }


def discriminator_attack(
    name: str, members: NDArray[np.float64], nonmembers: NDArray[np.float64], *, confidence: float
) -> dict[str, Finding]:
    """Attack with a discriminator.

    With the generator's own it says what the DISCRIMINATOR would give away if it were released, also where
    the synthetic set gives away nothing; it has no part in the verdict on the set.

    Args:
        name: Of the attack.
        members: Discriminator scores of members, higher for "original", (n,).
        nonmembers: Of non-members, (m,).
        confidence: Coverage of the intervals.

    Returns:
        Findings ``{name}_auc``, ``{name}_tpr`` and ``{name}_strict_tpr``.

    Source:
        LOGAN: Hayes et al. 2019, section 4; white box with the generator's own discriminator.
    """
    scores = np.concatenate([members, nonmembers])
    is_member = np.repeat([True, False], [len(members), len(nonmembers)])
    return attacked(name, scores, is_member, confidence=confidence)
