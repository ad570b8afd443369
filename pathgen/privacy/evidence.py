"""What a synthetic set says about each original patch: the only thing the attacks look at.

If nothing leaks, the synthetic set was made without regard to which of the pooled patches were members:
the labels member / non-member are exchangeable, and every test below compares what is seen with a random
labelling of the same pool. A patch that attracts many synthetic ones (a smooth patch does) then counts
as ONE patch, which an interval over synthetic patches would overlook.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.matches import Matches, MatchesBy
from pathgen.privacy.neighbours import Measure


@dataclass(frozen=True)
class Evidence:
    """Evidence about the P patches of a pool.

    Attributes:
        is_member: Which were members, bool (P,).
        votes: By measure: how many synthetic patches have this one as their nearest, float64 (P,); of a
            tie between a member and a non-member each gets a half.
        close_votes: The same under correlation, counting only synthetic patches nearer to it than fresh
            originals come, float64 (P,).
        distance: By measure: distance to the nearest synthetic patch, float64 (P,).
        reference_distance: L2 distance to the nearest reference patch, float64 (P,).
    """

    is_member: NDArray[np.bool_]
    votes: Mapping[Measure, NDArray[np.float64]]
    close_votes: NDArray[np.float64]
    distance: Mapping[Measure, NDArray[np.float64]]
    reference_distance: NDArray[np.float64]


def correlation_measure(matches: MatchesBy) -> Measure:
    """Return the correlation measure among those in use."""
    return "ncc-square" if "ncc-square" in matches else "ncc"


def closeness_threshold(reference: MatchesBy) -> float:
    """Return the distance below which fresh originals come to the pool in one of 1,000 cases.

    Args:
        reference: Matches of reference patches: originals of the same slides that nobody learnt from.

    Returns:
        The 0.1 % quantile of 1 - correlation, to the nearest of members and non-members alike, so that
        it does not depend on who was a member.
    """
    return float(np.quantile(reference[correlation_measure(reference)].to_nearest, 0.001))


def _votes(matches: Matches, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each image's weight to its nearest pool patch; members first, then non-members."""
    for_member = weight * np.where(
        matches.to_member < matches.to_nonmember,
        1.0,
        np.where(matches.to_member == matches.to_nonmember, 0.5, 0.0),
    )
    n_members, n_nonmembers = len(matches.of_members), len(matches.of_nonmembers)
    return np.concatenate(
        [
            np.bincount(matches.member, weights=for_member, minlength=n_members),
            np.bincount(matches.nonmember, weights=weight - for_member, minlength=n_nonmembers),
        ]
    )


def gather(synthetic: MatchesBy, reference: MatchesBy, threshold: float) -> Evidence:
    """Gather the evidence about members and non-members.

    Args:
        synthetic: Matches of the synthetic set.
        reference: Matches of the reference patches.
        threshold: From `closeness_threshold`.

    Returns:
        Evidence about the members followed by the non-members.
    """
    correlated = synthetic[correlation_measure(synthetic)]
    return Evidence(
        is_member=np.repeat([True, False], [len(correlated.of_members), len(correlated.of_nonmembers)]),
        votes={measure: _votes(m, np.ones(len(m.member))) for measure, m in synthetic.items()},
        close_votes=_votes(correlated, (correlated.to_nearest < threshold).astype(np.float64)),
        distance={
            measure: np.concatenate([m.of_members, m.of_nonmembers]) for measure, m in synthetic.items()
        },
        reference_distance=np.concatenate([reference["l2"].of_members, reference["l2"].of_nonmembers]),
    )


def gather_within_members(
    synthetic: MatchesBy, reference: MatchesBy, threshold: float, called_member: NDArray[np.bool_]
) -> Evidence:
    """Gather the evidence about the members alone, a random half of which is CALLED members.

    Args:
        synthetic: Matches of the synthetic set.
        reference: Matches of the reference patches.
        threshold: From `closeness_threshold`.
        called_member: Which members keep the name, bool (n,).

    Returns:
        Evidence about the members. All of them were learnt from, so that no test may tell them apart.
    """
    n = len(called_member)
    correlated = synthetic[correlation_measure(synthetic)]
    close = (correlated.to_member < threshold).astype(np.float64)
    return Evidence(
        is_member=called_member,
        votes={
            measure: np.bincount(m.member, minlength=n).astype(np.float64) for measure, m in synthetic.items()
        },
        close_votes=np.bincount(correlated.member, weights=close, minlength=n).astype(np.float64),
        distance={measure: m.of_members for measure, m in synthetic.items()},
        reference_distance=reference["l2"].of_members,
    )
