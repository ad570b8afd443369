"""The attacks: can members be told from non-members by looking at the synthetic set?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.evidence import Evidence
from pathgen.privacy.intervals import (
    auc_with_interval,
    binomial_interval,
    head_p_value,
    rank_p_value,
    wilson_interval,
)

FALSE_POSITIVE_RATE = 0.01

QUESTIONS = {
    "closer_l2": "Do synthetic patches lie closer to training patches than to unseen ones (pixels)?",
    "closer_ncc": "Do synthetic patches lie closer to training patches than to unseen ones (correlation)?",
    "close_ncc": "Where a synthetic patch comes closer to an original than other originals do, "
    "is it to a training patch?",
    "ganleaks_l2_auc": "Does the synthetic set lie closer around training patches than unseen ones (pixels)?",
    "ganleaks_l2_tpr": "Are the few originals that it comes closest to training patches (pixels)?",
    "ganleaks_ncc_auc": "Does it lie closer around training patches than around unseen ones (correlation)?",
    "ganleaks_ncc_tpr": "Are the few originals that it comes closest to training patches (correlation)?",
    "calibrated_auc": "Does it lie closer around training patches, allowing for how common a patch is?",
    "calibrated_tpr": "Are the few originals that it comes closest to training patches, with that allowance?",
}
"""What each test asks, in plain words; yes means leakage."""


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


def attack_tpr(scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, confidence: float) -> Finding:
    """Measure which share of the members an attacker names who errs on 1 % of the non-members.

    Args:
        scores: Higher means "member", (P,).
        is_member: Which were members, (P,).
        confidence: Coverage of the interval.

    Returns:
        The share of members that score above all but 1 % (rounded down) of the non-members. The interval
        is the exact binomial one at that threshold; the p-value is exact for the random order.

    Source:
        Carlini et al. 2022: an attack is judged at a low false positive rate.
    """
    members, others = scores[is_member], scores[~is_member]
    allowed = int(FALSE_POSITIVE_RATE * len(others) + 1e-9)
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


def run_attacks(
    evidence: Evidence, *, confidence: float, n_permutations: int, rng: np.random.Generator
) -> dict[str, Finding]:
    """Run every attack that looks at the synthetic set only.

    Args:
        evidence: What the synthetic set says about each original patch.
        confidence: Coverage of the intervals.
        n_permutations: Random labellings behind the p-values of counts.
        rng: Source of the labellings.

    Returns:
        Findings by the names in `QUESTIONS`.

    Source:
        GAN-Leaks, black box and calibrated: Chen et al. 2020, section 4: the score of a patch is minus
        its distance to the nearest synthetic one, calibrated by that to the nearest reference patch.
    """
    is_member = evidence.is_member
    found: dict[str, Finding] = {}

    def share(votes: NDArray[np.float64]) -> Finding:
        return member_share(votes, is_member, confidence=confidence, n_permutations=n_permutations, rng=rng)

    def from_scores(name: str, scores: NDArray[np.float64]) -> None:
        found[f"{name}_auc"] = attack_auc(scores, is_member, confidence=confidence)
        found[f"{name}_tpr"] = attack_tpr(scores, is_member, confidence=confidence)

    for measure, votes in evidence.votes.items():
        short = measure.split("-")[0]
        found[f"closer_{short}"] = share(votes)
        from_scores(f"ganleaks_{short}", -evidence.distance[measure])
    found["close_ncc"] = share(evidence.close_votes)
    from_scores("calibrated", evidence.reference_distance - evidence.distance["l2"])
    return {name: found[name] for name in QUESTIONS}


def discriminator_attack(
    members: NDArray[np.float64], nonmembers: NDArray[np.float64], *, confidence: float
) -> dict[str, Finding]:
    """Attack with the generator's own discriminator.

    It says what the DISCRIMINATOR would give away if it were released, also where the synthetic set gives
    away nothing; it has no part in the verdict on the set.

    Args:
        members: Discriminator scores of members, higher for "original", (n,).
        nonmembers: Of non-members, (m,).
        confidence: Coverage of the intervals.

    Returns:
        Findings ``discriminator_auc`` and ``discriminator_tpr``.

    Source:
        LOGAN, white box: Hayes et al. 2019, section 4.
    """
    scores = np.concatenate([members, nonmembers])
    is_member = np.repeat([True, False], [len(members), len(nonmembers)])
    return {
        "discriminator_auc": attack_auc(scores, is_member, confidence=confidence),
        "discriminator_tpr": attack_tpr(scores, is_member, confidence=confidence),
    }
