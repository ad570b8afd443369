"""A membership-inference attack, and the features of each original patch that the attacks use.

If nothing leaks, the synthetic set does not depend on which patches of the pool were members: the labels
member and non-member are exchangeable, and every test compares the observed features with random labellings
of the same pool. A patch that is the nearest of many synthetic ones (as smooth patches are) then counts as
ONE patch, which an interval over synthetic patches would ignore.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.kernel_density import density_ratio, nearest_distance, share_within
from pathgen.privacy.nearest_pairs import CandidatePool, Measure, NearestPairs, NeighbourProfile


@dataclass(frozen=True)
class AttackFeatures:
    """Features of the P patches of a pool.

    Attributes:
        is_member: Whether each patch is a member, bool (P,).
        votes: Number of synthetic patches that have this patch as their nearest, by measure, float64 (P,);
            if a member and a non-member tie, each gets half a vote.
        close_votes: The same under correlation, counting only synthetic patches that are closer to it than
            `null_quantile`, float64 (P,).
        distance: Distance to the nearest synthetic patch, by measure, float64 (P,).
        reference_distance: Distance to the nearest reference patch, by measure, float64 (P,).
        nearby: Share of the synthetic patches within a radius on the axes of the projection, float64 (P,).
            The radius is the median distance of the pool to the nearest synthetic patch.
        density_ratio: Log ratio of the densities of synthetic and reference patches, float64 (P,).
    """

    is_member: NDArray[np.bool_]
    votes: Mapping[Measure, NDArray[np.float64]]
    close_votes: NDArray[np.float64]
    distance: Mapping[Measure, NDArray[np.float64]]
    reference_distance: Mapping[Measure, NDArray[np.float64]]
    nearby: NDArray[np.float64]
    density_ratio: NDArray[np.float64]


@dataclass(frozen=True)
class Attack:
    """A membership-inference attack.

    Attributes:
        name: Name on disk and in MLflow.
        question: Question whose answer "yes" means leakage.
        score: Function that returns one number per patch of the pool, (P,), higher for members.
        source: Publication.
        kind: ``score``: the AUC and the true-positive rates of the numbers are tested. ``votes``: the numbers
            are counts of synthetic patches, and the share of the members is tested.
    """

    name: str
    question: str
    score: Callable[[AttackFeatures], NDArray[np.float64]]
    source: str
    kind: Literal["score", "votes"] = "score"

    @property
    def questions(self) -> Mapping[str, str]:
        """Question of each test by the ending of its name."""
        if self.kind == "votes":
            return {"": self.question}
        stem = self.question.removesuffix("?")
        return {
            "_auc": self.question,
            "_tpr": f"{stem} at a false-positive rate of 1 %?",
            "_strict_tpr": f"{stem} at a false-positive rate of 0.1 %?",
        }


def null_quantile(reference: NeighbourProfile) -> float:
    """Return the 0.1 % quantile of the distance of reference patches to the pool.

    Args:
        reference: Profile of the reference patches, which were not used for training.

    Returns:
        Quantile of 1 - correlation with the nearest patch of the pool, member or not, so that it does not
        depend on membership.
    """
    return float(np.quantile(reference.pairs["ncc"].distance.min(axis=0), 0.001))


def _votes(
    pairs: NearestPairs, weight: NDArray[np.float64], n_members: int, *, members_only: bool
) -> NDArray[np.float64]:
    """Add the weight of each image to its nearest patch of the pool; members first, then non-members."""
    to_member, to_nonmember = pairs.distance
    share = np.where(to_member < to_nonmember, 1.0, np.where(to_member == to_nonmember, 0.5, 0.0))
    for_member = weight * (1.0 if members_only else share)
    rows = np.concatenate([pairs.original[0], n_members + pairs.original[1]])
    weights = np.concatenate([for_member, weight - for_member])
    return np.asarray(np.bincount(rows, weights, len(pairs.of_pool)), dtype=np.float64)


def attack_features(
    synthetic: NeighbourProfile,
    reference: NeighbourProfile,
    pool: CandidatePool,
    halves: NDArray[np.bool_] | None = None,
) -> AttackFeatures:
    """Compute the features of members and non-members, or those of two halves of the members.

    Args:
        synthetic: Profile of the synthetic set, or of a set in its place.
        reference: Profile of the reference patches.
        pool: Members and non-members.
        halves: Random labels of the members, bool (n,); the non-members are then ignored. All members were
            used for training, so no test may distinguish the halves.

    Returns:
        Features of the members followed by the non-members, or of the members alone.
    """
    is_member, pairs, sample = pool.is_member, synthetic.pairs, synthetic.coordinates
    to_nearest, members_only = pairs["ncc"].distance.min(axis=0), halves is not None
    if halves is not None:
        is_member, to_nearest = halves, pairs["ncc"].distance[0]
    n = len(is_member)
    points = pool.coordinates[:n]
    close = (to_nearest < null_quantile(reference)).astype(np.float64)
    radius = float(np.median(nearest_distance(points, sample)))

    def votes(of: NearestPairs, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        return _votes(of, weight, len(pool.members), members_only=members_only)[:n]

    return AttackFeatures(
        is_member=is_member,
        votes={measure: votes(of, np.ones(len(sample))) for measure, of in pairs.items()},
        close_votes=votes(pairs["ncc"], close),
        distance={measure: of.of_pool[:n] for measure, of in pairs.items()},
        reference_distance={measure: of.of_pool[:n] for measure, of in reference.pairs.items()},
        nearby=share_within(points, sample, radius),
        density_ratio=density_ratio(points, sample, reference.coordinates),
    )
