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

from pathgen.privacy.density import density_ratio, nearest_distance, share_within
from pathgen.privacy.nearest_pairs import Matches, Measure, Seen


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
        reference_distance: By measure: distance to the nearest reference patch, float64 (P,).
        nearby: Share of the synthetic patches within a radius, float64 (P,): the median, over the pool, of
            the distance to the nearest synthetic patch, on the axes of the projection.
        density_ratio: Logarithm of the density of synthetic over that of reference patches, float64 (P,).
    """

    is_member: NDArray[np.bool_]
    votes: Mapping[Measure, NDArray[np.float64]]
    close_votes: NDArray[np.float64]
    distance: Mapping[Measure, NDArray[np.float64]]
    reference_distance: Mapping[Measure, NDArray[np.float64]]
    nearby: NDArray[np.float64]
    density_ratio: NDArray[np.float64]


def closeness_threshold(reference: Seen) -> float:
    """Return the distance below which fresh originals come to the pool in one of 1,000 cases.

    Args:
        reference: Reference patches: originals of the same slides that nobody learnt from.

    Returns:
        The 0.1 % quantile of 1 - correlation, to the nearest of members and non-members alike, so that
        it does not depend on who was a member.
    """
    return float(np.quantile(reference.matches["ncc"].to_nearest, 0.001))


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


def _shares_within_median(points: NDArray[np.float32], sample: NDArray[np.float32]) -> NDArray[np.float64]:
    return share_within(points, sample, float(np.median(nearest_distance(points, sample))))


def _to_pool(images: Seen) -> dict[Measure, NDArray[np.float64]]:
    """Return the distance of members, then non-members, to their nearest image, by measure."""
    return {measure: np.concatenate([m.of_members, m.of_nonmembers]) for measure, m in images.matches.items()}


def gather(synthetic: Seen, reference: Seen, threshold: float, coordinates: NDArray[np.float32]) -> Evidence:
    """Gather the evidence about members and non-members.

    Args:
        synthetic: The synthetic set.
        reference: The reference patches.
        threshold: From `closeness_threshold`.
        coordinates: Of the pool, (P, d).

    Returns:
        Evidence about the members followed by the non-members.
    """
    matches = synthetic.matches
    close = (matches["ncc"].to_nearest < threshold).astype(np.float64)
    n_each = [len(matches["ncc"].of_members), len(matches["ncc"].of_nonmembers)]
    return Evidence(
        is_member=np.repeat([True, False], n_each),
        votes={measure: _votes(m, np.ones(len(m.member))) for measure, m in matches.items()},
        close_votes=_votes(matches["ncc"], close),
        distance=_to_pool(synthetic),
        reference_distance=_to_pool(reference),
        nearby=_shares_within_median(coordinates, synthetic.coordinates),
        density_ratio=density_ratio(coordinates, synthetic.coordinates, reference.coordinates),
    )


def gather_within_members(
    synthetic: Seen,
    reference: Seen,
    threshold: float,
    coordinates: NDArray[np.float32],
    called_member: NDArray[np.bool_],
) -> Evidence:
    """Gather the evidence about the members alone, a random half of which is CALLED members.

    Args:
        synthetic: The synthetic set.
        reference: The reference patches.
        threshold: From `closeness_threshold`.
        coordinates: Of the pool, (P, d); the members first.
        called_member: Which members keep the name, bool (n,).

    Returns:
        Evidence about the members. All of them were learnt from, so that no test may tell them apart.
    """
    n = len(called_member)
    matches = synthetic.matches
    close = (matches["ncc"].to_member < threshold).astype(np.float64)
    return Evidence(
        is_member=called_member,
        votes={
            measure: np.bincount(m.member, minlength=n).astype(np.float64) for measure, m in matches.items()
        },
        close_votes=np.bincount(matches["ncc"].member, weights=close, minlength=n).astype(np.float64),
        distance={measure: m.of_members for measure, m in matches.items()},
        reference_distance={measure: m.of_members for measure, m in reference.matches.items()},
        nearby=_shares_within_median(coordinates[:n], synthetic.coordinates),
        density_ratio=density_ratio(coordinates[:n], synthetic.coordinates, reference.coordinates),
    )
