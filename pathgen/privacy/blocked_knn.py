"""Nearest neighbours between two sets of rows over all pairs, in blocks to bound memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

CHUNK = 2048
"""Number of rows of either side in one matrix product."""
# Number of chunks of the right side in memory. The rows of the left side are computed once per group of
# chunks, which takes little time compared with the products.
_HELD_CHUNKS = 4

Rows = Callable[[NDArray[Any]], NDArray[np.float32]]
"""Function of N patches or vectors that returns their rows, (N, D)."""
Compare = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of rows (L, D) and (R, D) that returns the similarity of all pairs, (L, R)."""


TopK = tuple[torch.Tensor, torch.Tensor]
"""The k most similar rows of the other set, for each of Q rows: similarities, descending, float32 (Q, k), and
rows in the other set, int64 (Q, k), on the device. Ties are in any order."""


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


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Yield as many workers as torch has threads; each worker computes on one thread.

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


def nearest_rows(
    left: NDArray[Any],
    right: NDArray[Any],
    make_rows: Rows,
    compare: Compare,
    *,
    k: int,
    device: str,
    chunk: int = CHUNK,
) -> tuple[TopK, TopK]:
    """Find the most similar rows of the other side for each row of either side, over all pairs.

    Args:
        left: Patches or vectors of the left side, (L, ...).
        right: Patches or vectors of the right side, (R, ...).
        make_rows: Function that returns their rows; called from several threads.
        compare: Similarity function.
        k: Number of neighbours, at least 1; fewer if the other side is smaller.
        device: Torch device.
        chunk: Number of rows of either side in one product; memory is at most 4 bytes x chunk x D x (4 + 3
            times the number of threads).

    Returns:
        Neighbours of the left rows, and of the right rows.
    """
    n_left, n_right = len(left), len(right)
    sizes = min(k, n_right), min(k, n_left)
    from_left, from_right = _empty(n_left, sizes[0], device), _empty(n_right, sizes[1], device)
    held = _HELD_CHUNKS * chunk

    with one_thread_each() as pool:
        for group in range(0, n_right, held):
            starts = range(group, min(group + held, n_right), chunk)
            made = pool.map(lambda start: make_rows(right[start : start + chunk]), starts)
            rights = [torch.from_numpy(rows).to(device) for rows in made]

            def compared(first: int, rights: list[torch.Tensor] = rights) -> list[tuple[TopK, TopK]]:
                rows = torch.from_numpy(make_rows(left[first : first + chunk])).to(device)
                blocks = (compare(rows, other) for other in rights)
                return [(_top_k(block, sizes[0], 1), _top_k(block, sizes[1], 0)) for block in blocks]

            firsts = range(0, n_left, chunk)
            # In order, so that ties are broken in the same way on any number of threads.
            for first, blocks in zip(firsts, pool.map(compared, firsts), strict=True):
                for start, (of_left, of_right) in zip(starts, blocks, strict=True):
                    _merge(from_left, first, of_left, start)
                    _merge(from_right, start, of_right, first)
    return from_left, from_right
