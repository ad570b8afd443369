"""Who is nearest to whom: a set of images against the pool of members and non-members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.neighbours import Measure, nearest_both_ways


@dataclass(frozen=True)
class Matches:
    """Nearest distances between Q images and n members and n non-members, under one measure.

    Attributes:
        member: Row of each image's nearest member, int64 (Q,).
        to_member: Its distance, float64 (Q,).
        nonmember: Row of each image's nearest non-member, int64 (Q,).
        to_nonmember: Its distance, float64 (Q,).
        of_members: Distance of each member to its nearest image, float64 (n,).
        of_nonmembers: The same of each non-member, float64 (n,).
    """

    member: NDArray[np.int64]
    to_member: NDArray[np.float64]
    nonmember: NDArray[np.int64]
    to_nonmember: NDArray[np.float64]
    of_members: NDArray[np.float64]
    of_nonmembers: NDArray[np.float64]

    @property
    def to_nearest(self) -> NDArray[np.float64]:
        """Distance of each image to the nearest original, member or not."""
        return np.minimum(self.to_member, self.to_nonmember)

    def together_with(self, other: "Matches") -> "Matches":
        """Return the matches of the union of both sets of images, against the same pool."""
        return Matches(
            np.concatenate([self.member, other.member]),
            np.concatenate([self.to_member, other.to_member]),
            np.concatenate([self.nonmember, other.nonmember]),
            np.concatenate([self.to_nonmember, other.to_nonmember]),
            np.minimum(self.of_members, other.of_members),
            np.minimum(self.of_nonmembers, other.of_nonmembers),
        )


MatchesBy = Mapping[Measure, Matches]
"""The matches of one set of images under each measure."""


@dataclass(frozen=True)
class Pool:
    """The original patches of one class whose membership an attacker wants to know.

    Attributes:
        members: Patches the generator learnt from, uint8 (n, S, S, 3).
        nonmembers: As many of the same slides that it did not see.
        measures: The distances in use.
        device: Torch device of the comparison.
    """

    members: NDArray[np.uint8]
    nonmembers: NDArray[np.uint8]
    measures: Sequence[Measure]
    device: str

    def match(self, images: NDArray[np.uint8]) -> MatchesBy:
        """Find the nearest pairs between `images` and the pool, under each measure."""
        found: dict[Measure, Matches] = {}
        for measure in self.measures:
            to_member, of_members = nearest_both_ways(
                images, self.members, measure=measure, k=1, device=self.device
            )
            to_nonmember, of_nonmembers = nearest_both_ways(
                images, self.nonmembers, measure=measure, k=1, device=self.device
            )
            found[measure] = Matches(
                to_member.index[:, 0],
                to_member.distance[:, 0],
                to_nonmember.index[:, 0],
                to_nonmember.distance[:, 0],
                of_members.distance[:, 0],
                of_nonmembers.distance[:, 0],
            )
        return found


def both(first: MatchesBy, second: MatchesBy) -> MatchesBy:
    """Return the matches of the union of two sets of images."""
    return {measure: first[measure].together_with(second[measure]) for measure in first}
