"""Exact nearest neighbours between two sets of patches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.blocked_knn import CHUNK, TopK, nearest_rows
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


def _unit_images(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return patches (N, S, S, 3) with mean 0 and norm 1, whose inner products are correlations."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    # The correlation with a uniform patch is defined as 0; what remains of it is rounding error.
    rows *= np.where(norm > 1e-3, 1 / np.maximum(norm, 1e-3), np.float32(0.0))
    return rows.reshape(images.shape)


def _minus_squared_distance(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    product = left @ right.T
    return product.mul_(2).sub_((left * left).sum(1)[:, None]).sub_((right * right).sum(1))


def _ranked(index: NDArray[np.int64], distance: NDArray[np.float64], k: int) -> Nearest:
    order = np.lexsort((index, distance), axis=1)[:, :k]  # ties: the lower row first
    return Nearest(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


def _by_correlation(found: TopK, k: int) -> Nearest:
    value, index = (part.cpu().numpy() for part in found)
    # Rounding can make the distance of a copy slightly negative.
    return _ranked(index, np.maximum(1.0 - value.astype(np.float64), 0.0), k)


def _by_difference(queries: NDArray[Any], others: NDArray[Any], found: TopK, k: int) -> Nearest:
    """Compute the distances again from differences, so that the distance of a copy is exactly 0."""
    index = found[1].cpu().numpy()
    n_queries, m = index.shape
    values = int(np.prod(queries.shape[1:]))
    step = max(1, _EXACT_VALUES // (m * values))
    distance = np.empty((n_queries, m))
    for start in range(0, n_queries, step):
        chunk = index[start : start + step]
        difference = others[chunk].reshape(*chunk.shape, values).astype(np.float64)  # (c, m, D)
        difference -= queries[start : start + step].reshape(len(chunk), 1, values)
        distance[start : start + step] = np.sqrt(np.einsum("cmd,cmd->cm", difference, difference) / values)
    return _ranked(index, distance, k)


def most_similar(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    transform: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    *,
    square: bool,
    k: int,
    device: str,
    chunk: int = CHUNK,
) -> tuple[TopK, TopK]:
    """Find the patches of the other set with the largest inner products, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        transform: Function that returns images of norm 1, (N, F, F, 3).
        square: Whether to maximise over the 8 symmetries of the square.
        k: Number of neighbours; fewer if the other set is smaller.
        device: Torch device.
        chunk: Number of patches of either set per block.

    Returns:
        Neighbours of the left patches, and of the right ones.
    """
    parts = part_slices(transform(left[:1]).shape[1], 3)

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        made = transform(images)
        return parity_parts(made) if square else made.reshape(len(made), -1)

    def compare(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return best_orientation(a, b, parts) if square else a @ b.T

    return nearest_rows(left, right, rows, compare, k=k, device=device, chunk=chunk)


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
    if measure == "l2":
        return nearest_vectors(left, right, k=k, centre=np.float32(127.5), device=device, chunk=chunk)
    from_left, from_right = most_similar(
        left, right, _unit_images, square=measure == "ncc-square", k=k, device=device, chunk=chunk
    )
    return _by_correlation(from_left, k), _by_correlation(from_right, k)


def nearest_vectors(
    left: NDArray[Any],
    right: NDArray[Any],
    *,
    k: int,
    centre: np.float32 | None = None,
    device: str = "cpu",
    chunk: int = CHUNK,
) -> tuple[Nearest, Nearest]:
    """Find the k nearest vectors of the other set for each vector of either set, over all pairs.

    Args:
        left: Vectors or patches, (L, ...).
        right: Vectors or patches, (R, ...).
        k: Number of neighbours, at most the size of the smaller set.
        centre: Value that is subtracted, because small squares have a smaller rounding error; None: the mean
            of the right vectors.
        device: Torch device of the matrix products.
        chunk: Number of vectors of either set per block.

    Returns:
        Nearest vectors as in `nearest_both_ways`, by the root mean square difference of their values.
    """
    middle = right.mean(axis=0) if centre is None else centre

    def rows(values: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(values.reshape(len(values), -1) - middle, dtype=np.float32)

    from_left, from_right = nearest_rows(
        left, right, rows, _minus_squared_distance, k=k + _MARGIN, device=device, chunk=chunk
    )
    return _by_difference(left, right, from_left, k), _by_difference(right, left, from_right, k)
