"""Exact nearest neighbours between two sets of patches, over all pairs in blocks to bound memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.d4_ncc import best_orientation, parity_parts, part_sizes

PixelMeasure = Literal["l2", "ncc", "ncc-square"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over
all pixels and channels, in [0, 2]. ``ncc-square``: its minimum over the 8 symmetries of the square.
"""

TopK = tuple[torch.Tensor, torch.Tensor]
"""The k most similar rows of the other set, for each of Q rows: similarities, descending, float32 (Q, k), and
rows in the other set, int64 (Q, k), on the device. Ties are in any order."""

CHUNK = 2048
"""Number of rows of either set in one matrix product of rows of D values. Memory is at most 4 bytes x CHUNK x
D x (4 + 3 times the number of threads)."""
# Number of chunks of the right set in memory. The rows of the left set are computed once per group of
# chunks, which takes little time compared with the products.
_HELD_CHUNKS = 4
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


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Compute on one thread, and yield as many workers as torch has threads, each of which does the same.

    The threads of one matrix product wait for each other without sleeping: if another process uses one of the
    cores, a product on four threads can take fifty times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def _empty(count: int, size: int, device: str) -> TopK:
    indices = torch.zeros((count, size), dtype=torch.int64, device=device)
    return torch.full((count, size), -torch.inf, device=device), indices


def _merge(best: TopK, start: int, found: TopK, first_index: int) -> None:
    """Merge the top k of a block that begins at row `start` and candidate `first_index` into the best."""
    value, index = found
    rows = slice(start, start + len(value))
    values = torch.cat([best[0][rows], value], dim=1)
    indices = torch.cat([best[1][rows], index + first_index], dim=1)
    kept, place = torch.topk(values, best[0].shape[1], dim=1)
    best[0][rows], best[1][rows] = kept, torch.gather(indices, 1, place)


def _top_k(block: torch.Tensor, size: int, dim: int) -> TopK:
    """Return the largest values along a dimension and their indices, (lines, size) each."""
    if size == 1:
        value, index = block.max(dim=dim)  # much faster than topk
        return value[:, None], index[:, None]
    lines = block if dim == 1 else block.T.contiguous()
    value, index = torch.topk(lines, min(size, lines.shape[1]), dim=1)
    return value, index


def _nearest_rows(
    left: NDArray[Any],
    right: NDArray[Any],
    make_rows: Callable[[NDArray[Any]], NDArray[np.float32]],
    compare: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    k: int,
    device: str,
) -> tuple[TopK, TopK]:
    """Find the most similar rows of the other set for each row of either set (see `most_similar`).

    `make_rows` maps N patches or vectors to rows (N, D); it is called from several threads. `compare` maps
    rows (L, D) and (R, D) to the similarities of all pairs, (L, R).
    """
    n_left, n_right = len(left), len(right)
    sizes = min(k, n_right), min(k, n_left)
    from_left, from_right = _empty(n_left, sizes[0], device), _empty(n_right, sizes[1], device)
    held = _HELD_CHUNKS * CHUNK

    with one_thread_each() as pool:
        for group in range(0, n_right, held):
            starts = range(group, min(group + held, n_right), CHUNK)
            made = pool.map(lambda start: make_rows(right[start : start + CHUNK]), starts)
            rights = [torch.from_numpy(rows).to(device) for rows in made]

            def compared(first: int, rights: list[torch.Tensor] = rights) -> list[tuple[TopK, TopK]]:
                rows = torch.from_numpy(make_rows(left[first : first + CHUNK])).to(device)
                blocks = (compare(rows, other) for other in rights)
                return [(_top_k(block, sizes[0], 1), _top_k(block, sizes[1], 0)) for block in blocks]

            firsts = range(0, n_left, CHUNK)
            # In order, so that ties are broken in the same way on any number of threads.
            for first, blocks in zip(firsts, pool.map(compared, firsts), strict=True):
                for start, (of_left, of_right) in zip(starts, blocks, strict=True):
                    _merge(from_left, first, of_left, start)
                    _merge(from_right, start, of_right, first)
    return from_left, from_right


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
) -> tuple[TopK, TopK]:
    """Find the patches of the other set with the largest inner products, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        transform: Function that returns images of norm 1, (N, F, F, 3).
        square: Whether to maximise over the 8 symmetries of the square.
        k: Number of neighbours; fewer if the other set is smaller.
        device: Torch device.

    Returns:
        Neighbours of the left patches, and of the right ones.
    """
    sizes = part_sizes(transform(left[:1]).shape[1], 3)

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        made = transform(images)
        return parity_parts(made) if square else made.reshape(len(made), -1)

    def compare(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return best_orientation(a, b, sizes) if square else a @ b.T

    return _nearest_rows(left, right, rows, compare, k, device)


def nearest_both_ways(
    left: NDArray[Any],
    right: NDArray[Any],
    *,
    measure: PixelMeasure,
    k: int,
    device: str = "cpu",
) -> tuple[Nearest, Nearest]:
    """Find the k nearest patches of the other set for each patch of either set, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3); for ``l2`` also vectors, float64 (L, D).
        right: Square RGB patches, uint8 (R, S, S, 3), or vectors, float64 (R, D).
        measure: Distance.
        k: Number of neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.

    Returns:
        Nearest patches in `right` of each patch in `left`, and the reverse. Pairs are compared in single
        precision: correlations have an error of about 1e-6. L2 distances are computed again in double
        precision, and a neighbour can only be missed if two patches are within 0.1 of each other.
    """
    assert left.shape[1:] == right.shape[1:], "one size"
    if measure != "l2":
        square = measure == "ncc-square"
        from_left, from_right = most_similar(left, right, _unit_images, square=square, k=k, device=device)
        return _by_correlation(from_left, k), _by_correlation(from_right, k)
    # Centred, because small squares have a smaller rounding error.
    centre = np.float32(127.5) if right.dtype == np.uint8 else right.mean(axis=0)

    def rows(values: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(values.reshape(len(values), -1) - centre, dtype=np.float32)

    from_left, from_right = _nearest_rows(left, right, rows, _minus_squared_distance, k + _MARGIN, device)
    return _by_difference(left, right, from_left, k), _by_difference(right, left, from_right, k)
