"""Who is nearest to whom: a set of images against the pool of members and non-members."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.privacy.density import Projection
from pathgen.privacy.neighbours import Nearest, nearest_both_ways, nearest_vectors
from pathgen.privacy.shift_ncc import Symmetries, nearest_shifted

Measure = Literal["l2", "ncc", "features"]
"""Distance between two patches: root mean square difference in grey levels; 1 minus the normalised
cross-correlation, through the positions and shifts of the pool; root mean square difference of the features
of protocol ``texture-v1``."""

MEASURES: tuple[Measure, ...] = ("l2", "ncc", "features")
_DESCRIBED_AT_A_TIME = 256


def features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe patches (N, S, S, 3) by protocol ``texture-v1``, in bounded memory, (N, 38)."""
    starts = range(0, len(images), _DESCRIBED_AT_A_TIME)
    return np.concatenate([texture_v1(np.asarray(images[s : s + _DESCRIBED_AT_A_TIME])) for s in starts])


@dataclass(frozen=True)
class Matches:
    """Nearest distances between Q images and n members and n non-members, under one measure.

    Attributes:
        member: Row of each image's nearest member, int64 (Q,).
        to_member: Its distance, float64 (Q,).
        nonmember: Row of each image's nearest non-member, int64 (Q,).
        to_nonmember: Its distance, float64 (Q,).
        of_members: Distance of each member to its nearest image, float64 (n,).
        nearest_of_members: Row of that image, int64 (n,).
        of_nonmembers: The same of each non-member, float64 (n,).
    """

    member: NDArray[np.int64]
    to_member: NDArray[np.float64]
    nonmember: NDArray[np.int64]
    to_nonmember: NDArray[np.float64]
    of_members: NDArray[np.float64]
    nearest_of_members: NDArray[np.int64]
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
            np.where(
                self.of_members <= other.of_members,
                self.nearest_of_members,
                len(self.member) + other.nearest_of_members,
            ),
            np.minimum(self.of_nonmembers, other.of_nonmembers),
        )


@dataclass(frozen=True)
class Seen:
    """A set of images as the attacks see it.

    Attributes:
        matches: Its nearest pairs with the pool, under each measure.
        coordinates: Where the images lie on the axes of the pool's projection, float32 (Q, d).
    """

    matches: Mapping[Measure, Matches]
    coordinates: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.coordinates)

    def together_with(self, other: "Seen") -> "Seen":
        """Return the union of two sets of images."""
        return Seen(
            {measure: one.together_with(other.matches[measure]) for measure, one in self.matches.items()},
            np.concatenate([self.coordinates, other.coordinates]),
        )


@dataclass(frozen=True)
class Pool:
    """The original patches of one class whose membership an attacker wants to know.

    Attributes:
        members: Patches the generator learnt from, uint8 (n, S, S, 3).
        nonmembers: As many of the same slides that it did not see.
        projection: Axes fitted on neither.
        symmetries: Positions in which patches are correlated.
        max_shift_px: Translations through which they are correlated, along either axis.
        shortlist: Partners compared through all translations.
        device: Torch device of the comparison.
    """

    members: NDArray[np.uint8]
    nonmembers: NDArray[np.uint8]
    projection: Projection
    symmetries: Symmetries
    max_shift_px: int
    shortlist: int
    device: str

    @cached_property
    def coordinates(self) -> NDArray[np.float32]:
        """Where members, then non-members, lie on the axes, (2 n, d)."""
        originals = (self.members, self.nonmembers)
        return np.concatenate([self.projection.coordinates(images) for images in originals])

    @cached_property
    def _features(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return features(self.members), features(self.nonmembers)

    def see(self, images: NDArray[np.uint8]) -> Seen:
        """Compare `images`, uint8 (Q, S, S, 3), with the pool."""
        described = features(images)

        def nearest(measure: Measure, side: int) -> tuple[Nearest, Nearest]:
            originals = (self.members, self.nonmembers)[side]
            if measure == "features":
                return nearest_vectors(described, self._features[side], k=1, device=self.device)
            if measure == "l2":
                return nearest_both_ways(images, originals, measure="l2", k=1, device=self.device)
            return nearest_shifted(
                images,
                originals,
                symmetries=self.symmetries,
                max_shift_px=self.max_shift_px,
                shortlist=self.shortlist,
                device=self.device,
            )

        found: dict[Measure, Matches] = {}
        for measure in MEASURES:
            to_member, of_members = nearest(measure, 0)
            to_nonmember, of_nonmembers = nearest(measure, 1)
            found[measure] = Matches(
                to_member.index[:, 0],
                to_member.distance[:, 0],
                to_nonmember.index[:, 0],
                to_nonmember.distance[:, 0],
                of_members.distance[:, 0],
                of_members.index[:, 0],
                of_nonmembers.distance[:, 0],
            )
        return Seen(found, self.projection.coordinates(images))
