"""A fidelity metric, and the pair of patch sets that it compares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Better = Literal["lower", "higher", "floor"]
"""Which value is better: a lower one, a higher one, or one closer to the floor."""


PatchFeatures = Mapping[str, NDArray[Any]]
"""Features of a set of N patches by name.

``images``: pixels, uint8 (N, S, S, 3). ``features``: vectors of the extractor, float64 (N, D). ``spectra``:
log power per ring, float64 (N, 8). ``colours``: histograms, float64 (N, 3, 256). ``projections``: projected
neighbourhoods, float32 (N, scales, 8, P).
"""


def _squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    norms_a = np.einsum("nd,nd->n", a, a)[:, None]
    norms_b = np.einsum("nd,nd->n", b, b)[None, :]
    return np.asarray(np.clip(norms_a + norms_b - 2 * (a @ b.T), 0.0, None))


def _squared_radii(features: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return the squared distance of each vector to its k-th nearest other vector."""
    squared = _squared_distances(features, features)
    np.fill_diagonal(squared, np.inf)
    return np.asarray(np.partition(squared, k - 1, axis=1)[:, k - 1])


@dataclass(frozen=True)
class FeaturePair:
    """An original and another set of patches, usually of the same size.

    The manifold of a set is the union of balls around its feature vectors; each ball extends to the k-th
    nearest other vector of the set (Kynkaanniemi et al. 2019, eq. 1).

    Attributes:
        original: Features of the original patches.
        other: Features of the synthetic patches or, for the floor, of other original patches.
        neighbours_k: Number of neighbours that determines the radius of a ball; below the size of both sets.
    """

    original: PatchFeatures
    other: PatchFeatures
    neighbours_k: int

    @cached_property
    def _squared_distances(self) -> NDArray[np.float64]:
        return _squared_distances(self.original["features"], self.other["features"])

    @cached_property
    def in_original_ball(self) -> NDArray[np.bool_]:
        """Whether each other vector lies in the ball of each original vector, bool (originals, others)."""
        radii = _squared_radii(self.original["features"], self.neighbours_k)
        return np.asarray(self._squared_distances <= radii[:, None])

    @cached_property
    def in_other_ball(self) -> NDArray[np.bool_]:
        """Whether each original vector lies in the ball of each other vector, bool (originals, others)."""
        radii = _squared_radii(self.other["features"], self.neighbours_k)
        return np.asarray(self._squared_distances <= radii[None, :])


@dataclass(frozen=True)
class Metric:
    """A fidelity metric.

    Attributes:
        key: Name on disk and in MLflow; ``{extractor}`` stands for the name of the feature extractor.
        description: Meaning, one line.
        better: Which value is better.
        needs: Names of the arrays of `PatchFeatures` that `value` reads.
        value: Function that computes the metric.
    """

    key: str
    description: str
    better: Better
    needs: tuple[str, ...]
    value: Callable[[FeaturePair], float]
