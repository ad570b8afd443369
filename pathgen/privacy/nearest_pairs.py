"""Nearest neighbours between a set of images and a pool of members and non-members."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.privacy.kernel_density import Projection, fit_projection
from pathgen.privacy.neighbours import Nearest, nearest_both_ways, nearest_vectors
from pathgen.privacy.settings import PrivacySettings
from pathgen.privacy.shift_ncc import nearest_shifted

Measure = Literal["l2", "ncc", "features"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over the
orientations and shifts of the pool. ``features``: root mean square difference of the ``texture-v1`` features.
"""

_Compared = dict[Measure, tuple[Nearest, Nearest]]
_FEATURES_CHUNK = 256


def _features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the ``texture-v1`` features of patches (N, S, S, 3) in bounded memory, (N, 38)."""
    starts = range(0, len(images), _FEATURES_CHUNK)
    return np.concatenate([texture_v1(np.asarray(images[s : s + _FEATURES_CHUNK])) for s in starts])


@dataclass(frozen=True)
class NearestPairs:
    """Nearest neighbours between Q images and n members and n non-members, under one measure.

    Attributes:
        member: Row of the nearest member of each image, int64 (Q,).
        to_member: Distance to it, float64 (Q,).
        nonmember: Row of the nearest non-member of each image, int64 (Q,).
        to_nonmember: Distance to it, float64 (Q,).
        of_members: Distance of each member to its nearest image, float64 (n,).
        nearest_of_members: Row of that image, int64 (n,).
        of_nonmembers: Distance of each non-member to its nearest image, float64 (n,).
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

    @property
    def of_pool(self) -> NDArray[np.float64]:
        """Distance of members, then non-members, to their nearest image, (2 n,)."""
        return np.concatenate([self.of_members, self.of_nonmembers])

    def union(self, other: "NearestPairs") -> "NearestPairs":
        """Return the nearest pairs of the union of both sets of images, with the same pool."""
        return NearestPairs(
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
class NeighbourProfile:
    """Everything the attacks use of a set of images.

    Attributes:
        pairs: Nearest pairs with the pool, by measure.
        coordinates: Coordinates of the images on the axes of the pool's projection, float32 (Q, d).
    """

    pairs: Mapping[Measure, NearestPairs]
    coordinates: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.coordinates)

    def union(self, other: "NeighbourProfile") -> "NeighbourProfile":
        """Return the profile of the union of two sets of images."""
        return NeighbourProfile(
            {measure: pairs.union(other.pairs[measure]) for measure, pairs in self.pairs.items()},
            np.concatenate([self.coordinates, other.coordinates]),
        )


@dataclass(frozen=True)
class CandidatePool:
    """Original patches of one class; an attacker wants to know which of them are members.

    Attributes:
        members: Patches the generator was trained on, uint8 (n, S, S, 3).
        nonmembers: As many patches of the same slides that it was not trained on.
        projection: Axes that were fitted on neither.
        settings: Settings of the section ``privacy``.
        device: Torch device.
    """

    members: NDArray[np.uint8]
    nonmembers: NDArray[np.uint8]
    projection: Projection
    settings: PrivacySettings
    device: str = "cpu"

    @property
    def is_member(self) -> NDArray[np.bool_]:
        """Whether each patch is a member: members, then non-members, (2 n,)."""
        return np.repeat([True, False], [len(self.members), len(self.nonmembers)])

    @cached_property
    def coordinates(self) -> NDArray[np.float32]:
        """Coordinates of members, then non-members, on the axes, (2 n, d)."""
        originals = (self.members, self.nonmembers)
        return np.concatenate([self.projection.coordinates(images) for images in originals])

    @cached_property
    def _features(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _features(self.members), _features(self.nonmembers)

    def profile(self, images: NDArray[np.uint8]) -> NeighbourProfile:
        """Compare images, uint8 (Q, S, S, 3), with the pool."""
        of_images, device = _features(images), self.device

        def compare(originals: NDArray[np.uint8], of_originals: NDArray[np.float64]) -> _Compared:
            return {
                "l2": nearest_both_ways(images, originals, measure="l2", k=1, device=device),
                "ncc": nearest_shifted(images, originals, self.settings, device),
                "features": nearest_vectors(of_images, of_originals, k=1, device=device),
            }

        members = compare(self.members, self._features[0])
        nonmembers = compare(self.nonmembers, self._features[1])
        pairs: dict[Measure, NearestPairs] = {}
        for measure, (to_member, of_members) in members.items():
            to_nonmember, of_nonmembers = nonmembers[measure]
            pairs[measure] = NearestPairs(
                to_member.index[:, 0],
                to_member.distance[:, 0],
                to_nonmember.index[:, 0],
                to_nonmember.distance[:, 0],
                of_members.distance[:, 0],
                of_members.index[:, 0],
                of_nonmembers.distance[:, 0],
            )
        return NeighbourProfile(pairs, self.projection.coordinates(images))


@dataclass(frozen=True)
class ClassPairs:
    """Patches of one class and their nearest pairs.

    Attributes:
        label: Class; part of the purpose of all random draws.
        pool: Members and non-members, n of each.
        train: All patches the generator was trained on, including the members, uint8 (N, S, S, 3).
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        profile: Their profile.
        reference: Reference patches, n, in two random halves.
        reference_profiles: Profiles of the halves.
    """

    label: str
    pool: CandidatePool
    train: NDArray[np.uint8]
    synthetic: NDArray[np.uint8]
    profile: NeighbourProfile
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    reference_profiles: tuple[NeighbourProfile, NeighbourProfile]

    @property
    def settings(self) -> PrivacySettings:
        """Settings of the section ``privacy``."""
        return self.pool.settings

    def rng(self, *purpose: str) -> np.random.Generator:
        """Return the random generator of one purpose."""
        return numpy_generator(self.settings.seed, "privacy", *purpose)

    @cached_property
    def reference_profile(self) -> NeighbourProfile:
        """Profile of all reference patches."""
        return self.reference_profiles[0].union(self.reference_profiles[1])


def find_pairs(
    members: NDArray[np.uint8],
    nonmembers: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    synthetic: NDArray[np.uint8],
    train: NDArray[np.uint8],
    settings: PrivacySettings,
    label: str,
    device: str = "cpu",
) -> ClassPairs:
    """Find all nearest pairs of one class.

    Args:
        members: Random sample of `train`, uint8 (n, S, S, 3).
        nonmembers: As many patches of the same slides that the generator was not trained on.
        reference: As many further patches of the same slides.
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        train: All patches the generator was trained on, uint8 (N, S, S, 3).
        settings: Settings of the section ``privacy``.
        label: Class.
        device: Torch device.

    Returns:
        The patches and their nearest pairs.
    """
    order = numpy_generator(settings.seed, "privacy", "reference halves", label).permutation(len(reference))
    first, second = (reference[rows] for rows in np.array_split(order, 2))
    pool = CandidatePool(members, nonmembers, fit_projection(reference[order]), settings, device)
    profiles = (pool.profile(first), pool.profile(second))
    return ClassPairs(label, pool, train, synthetic, pool.profile(synthetic), (first, second), profiles)
