"""Exact nearest neighbours between two sets of patches."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.blocked_knn import CHUNK, Compare, Neighbours, nearest_rows
from pathgen.privacy.d4_ncc import best_orientation, parity_parts, part_slices

PixelMeasure = Literal["l2", "ncc", "ncc-square"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over
all pixels and channels, in [0, 2]. ``ncc-square``: its minimum over the 8 symmetries of the square.
"""

# One more candidate from the matrix products, because L2 distances are then computed exactly.
_MARGIN = 1
_EXACT_VALUES = 1 << 22


@dataclass(frozen=True)
class Nearest:
    """The k nearest patches of another set, for each patch.

    Attributes:
        index: Rows in the other set, nearest first, int64 (Q, k).
        distance: Distances, ascending, float64 (Q, k).
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]


def unit_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return patches as centred rows of norm 1, (N, S * S * 3), whose products are correlations."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    # The correlation with a uniform patch is defined as 0; what remains of it is rounding error.
    rows *= np.where(norm > 1e-3, 1 / np.maximum(norm, 1e-3), np.float32(0.0))
    return rows


def _correlation(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return left @ right.T


def _minus_squared_distance(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    product = left @ right.T
    return product.mul_(2).sub_((left * left).sum(1)[:, None]).sub_((right * right).sum(1))


def _ranked(index: NDArray[np.int64], distance: NDArray[np.float64], k: int) -> Nearest:
    order = np.lexsort((index, distance), axis=1)[:, :k]  # ties: the lower row first
    return Nearest(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


def _by_correlation(found: Neighbours, k: int) -> Nearest:
    # Rounding can make the distance of a copy slightly negative.
    return _ranked(found.index, np.maximum(1.0 - found.value.astype(np.float64), 0.0), k)


def _by_difference(queries: NDArray, others: NDArray, found: Neighbours, k: int) -> Nearest:  # type: ignore[type-arg]
    """Compute the distances again from differences, so that the distance of a copy is exactly 0."""
    n_queries, m = found.index.shape
    values = int(np.prod(queries.shape[1:]))
    step = max(1, _EXACT_VALUES // (m * values))
    distance = np.empty((n_queries, m))
    for start in range(0, n_queries, step):
        chunk = found.index[start : start + step]
        difference = others[chunk].reshape(*chunk.shape, values).astype(np.float64)  # (c, m, D)
        difference -= queries[start : start + step].reshape(len(chunk), 1, values)
        distance[start : start + step] = np.sqrt(np.einsum("cmd,cmd->cm", difference, difference) / values)
    return _ranked(found.index, distance, k)


def nearest_both_ways(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    *,
    measure: PixelMeasure,
    k: int,
    device: str = "cpu",
    chunk: int = CHUNK,
) -> tuple[Nearest, Nearest]:
    """Find the k nearest patches of the other set for each patch of either set, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        measure: Distance.
        k: Number of neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.
        chunk: Number of patches of either set per block, see `nearest_rows`.

    Returns:
        Nearest patches in `right` of each patch in `left`, and the reverse. Pairs are compared in single
        precision: correlations have an error of about 1e-6. L2 distances are computed again in double
        precision, and a neighbour can only be missed if two are within 0.1 of each other.
    """
    assert left.shape[1:] == right.shape[1:] and left.shape[1] == left.shape[2], "one square size"
    shape = left.shape[1:]
    parts = part_slices(shape[0], shape[2])

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if measure == "l2":
            # Centred at middle grey, which reduces the rounding error of squares.
            return np.asarray(images.reshape(len(images), -1) - np.float32(127.5), dtype=np.float32)
        unit = unit_rows(images)
        return unit if measure == "ncc" else parity_parts(unit.reshape(-1, *shape))

    def in_any_orientation(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return best_orientation(a, b, parts)

    compare: dict[PixelMeasure, Compare] = {
        "l2": _minus_squared_distance,
        "ncc": _correlation,
        "ncc-square": in_any_orientation,
    }
    margin = _MARGIN if measure == "l2" else 0
    from_left, from_right = nearest_rows(
        (len(left), len(right)),
        lambda start, end: rows(left[start:end]),
        lambda start, end: rows(right[start:end]),
        compare[measure],
        k=(min(k + margin, len(right)), min(k + margin, len(left))),
        device=device,
        chunk=chunk,
    )
    if measure == "l2":
        return _by_difference(left, right, from_left, k), _by_difference(right, left, from_right, k)
    return _by_correlation(from_left, k), _by_correlation(from_right, k)


def nearest_vectors(
    left: NDArray[np.float64], right: NDArray[np.float64], *, k: int, device: str = "cpu"
) -> tuple[Nearest, Nearest]:
    """Find the k nearest vectors of the other set for each vector of either set, over all pairs.

    Args:
        left: Vectors, (L, D).
        right: Vectors, (R, D).
        k: Number of neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.

    Returns:
        Nearest vectors as in `nearest_both_ways`, by the root mean square difference of the D values.
    """
    centre = right.mean(axis=0)

    def rows(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.asarray(vectors - centre, dtype=np.float32)

    from_left, from_right = nearest_rows(
        (len(left), len(right)),
        lambda start, end: rows(left[start:end]),
        lambda start, end: rows(right[start:end]),
        _minus_squared_distance,
        k=(min(k + _MARGIN, len(right)), min(k + _MARGIN, len(left))),
        device=device,
    )
    return _by_difference(left, right, from_left, k), _by_difference(right, left, from_right, k)
