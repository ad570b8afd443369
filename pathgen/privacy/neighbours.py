"""Exact nearest neighbours between two sets of patches, streamed: memory does not grow with the pairs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

Measure = Literal["l2", "ncc", "ncc-square"]
"""Distance between two patches.

``l2``: root mean square difference in grey levels. ``ncc``: 1 minus the normalised cross-correlation over
all pixels and channels, in [0, 2]. ``ncc-square``: the same, the least over the 8 symmetries of the square.
"""

SYMMETRIES = 8
_CHUNK = 2048
# L2 is ranked by products and measured by differences: one more is kept for the second look.
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


def turned(images: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Turn and mirror patches.

    Args:
        images: Square patches, (..., S, S, 3).
        symmetry: 0 to 7: quarter turns (``symmetry % 4``), mirrored from 4 on. 0 changes nothing.

    Returns:
        A view or copy of the same shape.
    """
    quarter = np.rot90(images, symmetry % 4, axes=(-3, -2))
    return quarter[..., ::-1, :] if symmetry >= 4 else quarter


def _rows(images: NDArray[np.uint8], measure: Measure) -> NDArray[np.float32]:
    """Bring patches to rows whose products give the measure, (N, D) with D = S * S * 3."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    if measure == "l2":
        rows -= 127.5  # smaller squares, less rounding
        return rows
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
    # An even patch has no pattern to correlate (what is left is rounding): its correlation is 0.
    rows *= np.where(norm > 1e-3, 1 / np.maximum(norm, 1e-3), 0.0)
    return rows


def _positions(shape: tuple[int, ...], measure: Measure) -> NDArray[np.int64]:
    """Return, per position in which a patch is compared, where each value of a row comes from, (G, D)."""
    places = np.arange(np.prod(shape)).reshape(1, *shape)
    count = SYMMETRIES if measure == "ncc-square" else 1
    return np.stack([turned(places, symmetry).ravel() for symmetry in range(count)])


def _block(
    left: torch.Tensor, right: torch.Tensor, positions: NDArray[np.int64], measure: Measure
) -> torch.Tensor:
    """Compare all pairs of rows by matrix products; (L, R), smaller is nearer."""
    if measure == "l2":
        return (left * left).sum(1)[:, None] + (right * right).sum(1)[None, :] - 2 * (left @ right.T)
    best = left @ right.T
    for position in positions[1:]:
        # With a position its inverse is among the eight: either side may be turned, the fewer are.
        place = torch.from_numpy(position).to(left.device)
        if len(left) < len(right):
            torch.maximum(best, left[:, place] @ right.T, out=best)
        else:
            torch.maximum(best, left @ right[:, place].T, out=best)
    return 1 - best


class _Shortlist:
    """The nearest candidates seen so far of each of `count` patches."""

    def __init__(self, count: int, size: int, device: str) -> None:
        self._value = torch.full((count, size), torch.inf, device=device)
        self._index = torch.zeros((count, size), dtype=torch.int64, device=device)

    def update(self, start: int, block: torch.Tensor, first_index: int) -> None:
        """Take a block of distances: rows from `start` on, candidates from `first_index` on."""
        size = min(self._value.shape[1], block.shape[1])
        value, index = torch.topk(block, size, dim=1, largest=False)
        rows = slice(start, start + len(block))
        values = torch.cat([self._value[rows], value], dim=1)
        indices = torch.cat([self._index[rows], index + first_index], dim=1)
        kept, place = torch.topk(values, self._value.shape[1], dim=1, largest=False)
        self._value[rows] = kept
        self._index[rows] = torch.gather(indices, 1, place)

    def found(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return rows and distances; a correlation of 1 may round to a distance just below 0."""
        distance = self._value.cpu().numpy().astype(np.float64)
        return np.asarray(self._index.cpu().numpy()), np.maximum(distance, 0.0)


def _root_mean_square(
    queries: NDArray[np.uint8], others: NDArray[np.uint8], shortlist: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Measure the shortlisted pairs by their differences, (Q, m)."""
    n_queries, m = shortlist.shape
    values = int(np.prod(queries.shape[1:]))
    step = max(1, _EXACT_VALUES // (m * values))
    distance = np.empty((n_queries, m))
    for start in range(0, n_queries, step):
        chunk = shortlist[start : start + step]
        difference = others[chunk].reshape(*chunk.shape, values).astype(np.float64)  # (c, m, D)
        difference -= queries[start : start + step].reshape(len(chunk), 1, values)
        distance[start : start + step] = np.sqrt(np.einsum("cmd,cmd->cm", difference, difference) / values)
    return distance


def _finished(
    queries: NDArray[np.uint8], others: NDArray[np.uint8], shortlist: _Shortlist, measure: Measure, k: int
) -> Nearest:
    index, distance = shortlist.found()
    if measure == "l2":
        # Squares of nearly equal patches cancel: a copy would not read 0, and not rank first among copies.
        distance = _root_mean_square(queries, others, index)
    order = np.lexsort((index, distance), axis=1)[:, :k]  # equal distances: the lower row first
    return Nearest(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Let each matrix product run on one thread; yield how many may run at a time.

    The threads of one product wait for each other without sleeping: where another process wants one of the
    cores, products on four threads were seen to take fifty times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def nearest_both_ways(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    *,
    measure: Measure,
    k: int,
    device: str = "cpu",
    chunk: int = _CHUNK,
) -> tuple[Nearest, Nearest]:
    """Find for each patch of either set the k nearest of the other, over all pairs.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        measure: The distance.
        k: Neighbours, at most the size of the smaller set.
        device: Torch device of the matrix products.
        chunk: Patches of either set compared at a time: memory grows with the number of threads and with
            chunk x (chunk + S * S * 3).

    Returns:
        The nearest of `right` for each of `left`, and the nearest of `left` for each of `right`. The
        pairs are all compared, in single precision: correlations are right to about 1e-6, and L2, which is
        measured again in double precision, misses a neighbour only where two are within 0.1 of each other.
    """
    assert left.shape[1:] == right.shape[1:] and left.shape[1] == left.shape[2], "one square size"
    assert 1 <= k <= min(len(left), len(right)), "k neighbours must exist"

    def on_device(images: NDArray[np.uint8]) -> torch.Tensor:
        return torch.from_numpy(_rows(images, measure)).to(device)

    from_left = _Shortlist(len(left), min(k + _MARGIN, len(right)), device)
    from_right = _Shortlist(len(right), min(k + _MARGIN, len(left)), device)
    positions = _positions(left.shape[1:], measure)

    def compared(left_start: int, right_rows: torch.Tensor) -> torch.Tensor:
        return _block(on_device(left[left_start : left_start + chunk]), right_rows, positions, measure)

    with (
        _one_thread_each() as threads,
        ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
    ):
        for right_start in range(0, len(right), chunk):
            right_rows = on_device(right[right_start : right_start + chunk])
            # As many blocks at a time as there are threads: what waits to be looked through stays bounded.
            for first in range(0, len(left), threads * chunk):
                starts = range(first, min(first + threads * chunk, len(left)), chunk)
                for start, block in zip(starts, pool.map(compared, starts, repeat(right_rows)), strict=True):
                    from_left.update(start, block, right_start)
                    from_right.update(right_start, block.T, start)
    return (
        _finished(left, right, from_left, measure, k),
        _finished(right, left, from_right, measure, k),
    )
