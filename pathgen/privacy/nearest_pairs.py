"""Nearest neighbours between a set of images and a pool of members and non-members."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.privacy.kernel_density import Projection, fit_projection
from pathgen.privacy.neighbours import Nearest, nearest_both_ways
from pathgen.privacy.settings import PrivacySettings
from pathgen.privacy.shift_ncc import nearest_shifted

Measure = Literal["l2", "ncc", "features"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over the
orientations and shifts of the pool. ``features``: root mean square difference of the ``texture-v1`` features.
"""

_FEATURES_CHUNK = 256


def _features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the ``texture-v1`` features of patches (N, S, S, 3) in bounded memory, (N, 38)."""
    starts = range(0, len(images), _FEATURES_CHUNK)
    return np.concatenate([texture_v1(np.asarray(images[s : s + _FEATURES_CHUNK])) for s in starts])


@dataclass(frozen=True)
class NearestPairs:
    """Nearest neighbours between Q images and a pool of P patches, members first, under one measure.

    Attributes:
        original: Row of the nearest member and row of the nearest non-member of each image, int64 (2, Q).
        distance: Distances to them, float64 (2, Q).
        image: Row of the nearest image of each patch of the pool, int64 (P,).
        of_pool: Distance to it, float64 (P,).
    """

    original: NDArray[np.int64]
    distance: NDArray[np.float64]
    image: NDArray[np.int64]
    of_pool: NDArray[np.float64]

    def union(self, other: "NearestPairs") -> "NearestPairs":
        """Return the nearest pairs of the union of both sets of images, with the same pool."""
        nearer = self.of_pool <= other.of_pool
        return NearestPairs(
            np.concatenate([self.original, other.original], axis=1),
            np.concatenate([self.distance, other.distance], axis=1),
            np.where(nearer, self.image, self.original.shape[1] + other.image),
            np.minimum(self.of_pool, other.of_pool),
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
        profiles: Profiles by the digest of the images, so that the same images are compared once.
    """

    members: NDArray[np.uint8]
    nonmembers: NDArray[np.uint8]
    projection: Projection
    settings: PrivacySettings
    device: str = "cpu"
    profiles: dict[bytes, NeighbourProfile] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_member(self) -> NDArray[np.bool_]:
        """Whether each patch is a member: members, then non-members, (2 n,)."""
        return np.repeat([True, False], [len(self.members), len(self.nonmembers)])

    @cached_property
    def coordinates(self) -> NDArray[np.float32]:
        """Coordinates of members, then non-members, on the axes, (2 n, d)."""
        return np.concatenate([self.projection.coordinates(of) for of in (self.members, self.nonmembers)])

    @cached_property
    def _features(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return _features(self.members), _features(self.nonmembers)

    def profile(self, images: NDArray[np.uint8]) -> NeighbourProfile:
        """Compare images, uint8 (Q, S, S, 3), with the pool."""
        digest = hashlib.sha256(images.tobytes()).digest()
        if digest not in self.profiles:
            self.profiles[digest] = self._compared(images)
        return self.profiles[digest]

    def _compared(self, images: NDArray[np.uint8]) -> NeighbourProfile:
        of_images = _features(images)
        found: list[dict[Measure, tuple[Nearest, Nearest]]] = [
            {
                "l2": nearest_both_ways(images, originals, measure="l2", k=1, device=self.device),
                "ncc": nearest_shifted(images, originals, self.settings, self.device),
                "features": nearest_both_ways(of_images, features, measure="l2", k=1, device=self.device),
            }
            for originals, features in zip((self.members, self.nonmembers), self._features, strict=True)
        ]
        pairs: dict[Measure, NearestPairs] = {}
        for measure in found[0]:
            from_images, from_pool = zip(*(side[measure] for side in found), strict=True)
            pairs[measure] = NearestPairs(
                np.stack([nearest.index[:, 0] for nearest in from_images]),
                np.stack([nearest.distance[:, 0] for nearest in from_images]),
                np.concatenate([nearest.index[:, 0] for nearest in from_pool]),
                np.concatenate([nearest.distance[:, 0] for nearest in from_pool]),
            )
        return NeighbourProfile(pairs, self.projection.coordinates(images))


def candidate_pool(
    members: NDArray[np.uint8],
    nonmembers: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    settings: PrivacySettings,
    device: str,
) -> CandidatePool:
    """Return the pool of one class, with axes fitted on the reference patches.

    The last pools and their profiles are kept in memory: all synthetic sets of a study are audited with the
    same originals and mostly the same controls.

    Args:
        members: Patches the generator was trained on, uint8 (n, S, S, 3).
        nonmembers: As many patches of the same slides that it was not trained on.
        reference: Further n patches of the same slides.
        settings: Settings of the section ``privacy``.
        device: Torch device.
    """
    originals = (members, nonmembers, reference)
    digests = (hashlib.sha256(images.tobytes()).digest() for images in originals)
    key = (*digests, members.shape[1:], settings, device)
    if key not in _pools:
        if len(_pools) == len(LABELS):
            del _pools[next(iter(_pools))]
        _pools[key] = CandidatePool(members, nonmembers, fit_projection(reference), settings, device)
    return _pools[key]


# By the digests of the originals, their shape, settings and device; one per class, the oldest first.
_pools: dict[tuple[object, ...], CandidatePool] = {}


@dataclass(frozen=True)
class ClassPairs:
    """Patches of one class and their nearest pairs, which are computed when first used.

    Attributes:
        label: Class; part of the purpose of all random draws.
        pool: Members and non-members, n of each.
        train: All patches the generator was trained on, including the members, uint8 (N, S, S, 3).
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        reference: Further n patches of the same slides, in random order.
    """

    label: str
    pool: CandidatePool
    train: NDArray[np.uint8]
    synthetic: NDArray[np.uint8]
    reference: NDArray[np.uint8]

    @property
    def settings(self) -> PrivacySettings:
        """Settings of the section ``privacy``."""
        return self.pool.settings

    def rng(self, *purpose: str) -> np.random.Generator:
        """Return the random generator of one purpose."""
        return numpy_generator(self.settings.seed, "privacy", *purpose)

    @property
    def fresh(self) -> NDArray[np.uint8]:
        """First half of the reference patches, which some controls use as the synthetic set."""
        return np.array_split(self.reference, 2)[0]

    @cached_property
    def profile(self) -> NeighbourProfile:
        """Profile of the synthetic patches."""
        return self.pool.profile(self.synthetic)

    @cached_property
    def half_profiles(self) -> tuple[NeighbourProfile, NeighbourProfile]:
        """Profiles of the two halves of the reference patches."""
        first, second = np.array_split(self.reference, 2)
        return self.pool.profile(first), self.pool.profile(second)

    @cached_property
    def reference_profile(self) -> NeighbourProfile:
        """Profile of all reference patches."""
        return self.half_profiles[0].union(self.half_profiles[1])
