"""Exact nearest neighbours between two sets of patches, under each distance."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.blocked_knn import CHUNK, Compare, Partners, best_partners
from pathgen.privacy.d4_ncc import best_position, part_slices, parted

Measure = Literal["l2", "ncc", "ncc-square"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over
all pixels and channels, in [0, 2]. ``ncc-square``: the same, the least over the 8 symmetries of the square.
"""

# What products rank is measured again by differences: one more is kept for the second look.
_MARGIN = 1
_EXACT_VALUES = 1 << 22


@dataclass(frozen=True)
class Nearest:
    """The k nearest patches of another set, for each patch.

    Attributes:
        index: Rows in the other set, nearest first, int64 (Q, k).
        distance: The distances, ascending, float64 (Q, k).
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]


def unit_rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bring patches to rows of length 1, (N, S * S * 3): products of rows are correlations."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    # An even patch has no pattern to correlate (what is left is rounding): its correlation is 0.
    rows *= np.where(norm > 1e-3, 1 / np.maximum(norm, 1e-3), np.float32(0.0))
    return rows


def _correlation(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return left @ right.T


def _minus_squared_distance(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    product = left @ right.T
    return product.mul_(2).sub_((left * left).sum(1)[:, None]).sub_((right * right).sum(1))


def _ranked(index: NDArray[np.int64], distance: NDArray[np.float64], k: int) -> Nearest:
    order = np.lexsort((index, distance), axis=1)[:, :k]  # equal distances: the lower row first
    return Nearest(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


def _by_correlation(partners: Partners, k: int) -> Nearest:
    """A correlation of 1 may round to a distance just below 0."""
    return _ranked(partners.index, np.maximum(1.0 - partners.value.astype(np.float64), 0.0), k)


def _by_difference(queries: NDArray, others: NDArray, partners: Partners, k: int) -> Nearest:  # type: ignore[type-arg]
    """Measure the partners again: squares of near equals cancel, and a copy would not read 0."""
    n_queries, m = partners.index.shape
    values = int(np.prod(queries.shape[1:]))
    step = max(1, _EXACT_VALUES // (m * values))
    distance = np.empty((n_queries, m))
    for start in range(0, n_queries, step):
        chunk = partners.index[start : start + step]
        difference = others[chunk].reshape(*chunk.shape, values).astype(np.float64)  # (c, m, D)
        difference -= queries[start : start + step].reshape(len(chunk), 1, values)
        distance[start : start + step] = np.sqrt(np.einsum("cmd,cmd->cm", difference, difference) / values)
    return _ranked(partners.index, distance, k)


def nearest_both_ways(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    *,
    measure: Measure,
    k: int,
    device: str = "cpu",
    chunk: int = CHUNK,
) -> tuple[Nearest, Nearest]:
    """Find for each patch of either set the k nearest of the other, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        measure: The distance.
        k: Neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.
        chunk: Patches of either set compared at a time, see `best_partners` for the memory.

    Returns:
        The nearest of `right` for each of `left`, and the nearest of `left` for each of `right`. The
        pairs are all compared, in single precision: correlations are right to about 1e-6, and L2, which is
        measured again in double precision, misses a neighbour only where two are within 0.1 of each other.
    """
    assert left.shape[1:] == right.shape[1:] and left.shape[1] == left.shape[2], "one square size"
    shape = left.shape[1:]
    parts = part_slices(shape[0], shape[2])

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        if measure == "l2":
            # Around the middle grey: smaller squares, less rounding.
            return np.asarray(images.reshape(len(images), -1) - np.float32(127.5), dtype=np.float32)
        unit = unit_rows(images)
        return unit if measure == "ncc" else parted(unit.reshape(-1, *shape))

    def in_any_position(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return best_position(a, b, parts)

    compare: dict[Measure, Compare] = {
        "l2": _minus_squared_distance,
        "ncc": _correlation,
        "ncc-square": in_any_position,
    }
    margin = _MARGIN if measure == "l2" else 0
    from_left, from_right = best_partners(
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
    """Find for each vector of either set the k nearest of the other, over all pairs.

    Args:
        left: Vectors, (L, D).
        right: Vectors, (R, D).
        k: Neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.

    Returns:
        As `nearest_both_ways`; the distance is the root mean square difference over the D values.
    """
    centre = right.mean(axis=0)

    def rows(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.asarray(vectors - centre, dtype=np.float32)

    from_left, from_right = best_partners(
        (len(left), len(right)),
        lambda start, end: rows(left[start:end]),
        lambda start, end: rows(right[start:end]),
        _minus_squared_distance,
        k=(min(k + _MARGIN, len(right)), min(k + _MARGIN, len(left))),
        device=device,
    )
    return _by_difference(left, right, from_left, k), _by_difference(right, left, from_right, k)
