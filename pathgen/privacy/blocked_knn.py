"""The best partners between two sets of rows over all pairs, streamed: memory is bounded."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

CHUNK = 2048
"""Rows of either side in one product."""
# Rows of the left side are made anew for each group of chunks of the right side: making them then costs
# little beside the products, and this many chunks of the right side are held.
_HELD_CHUNKS = 4

Rows = Callable[[int, int], NDArray[np.float32]]
"""Makes the rows from a first one to before a last one, (N, D)."""
Compare = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Compares all pairs of rows (L, D) and (R, D): (L, R), larger is nearer."""


@dataclass(frozen=True)
class Partners:
    """The k best of the other set, for each row.

    Attributes:
        index: Rows in the other set, best first, int64 (Q, k); of equally good ones any may come first.
        value: What `Compare` said of them, descending, float32 (Q, k).
    """

    index: NDArray[np.int64]
    value: NDArray[np.float32]


class _Best:
    """The best candidates seen so far of each of `count` rows."""

    def __init__(self, count: int, size: int, device: str) -> None:
        self.size = size
        self._value = torch.full((count, size), -torch.inf, device=device)
        self._index = torch.zeros((count, size), dtype=torch.int64, device=device)

    def update(self, start: int, found: tuple[torch.Tensor, torch.Tensor], first_index: int) -> None:
        """Take the best of a block: of rows from `start` on, among candidates from `first_index` on."""
        value, index = found
        rows = slice(start, start + len(value))
        values = torch.cat([self._value[rows], value], dim=1)
        indices = torch.cat([self._index[rows], index + first_index], dim=1)
        kept, place = torch.topk(values, self.size, dim=1)
        self._value[rows] = kept
        self._index[rows] = torch.gather(indices, 1, place)

    def partners(self) -> Partners:
        return Partners(self._index.cpu().numpy(), self._value.cpu().numpy())


def _best_of(block: torch.Tensor, size: int, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the best along a dimension and their places, one row of `size` for each line of the other."""
    if size == 1:
        value, index = block.max(dim=dim)  # far cheaper than topk
        return value[:, None], index[:, None]
    lines = block if dim == 1 else block.T.contiguous()
    value, index = torch.topk(lines, min(size, lines.shape[1]), dim=1)
    return value, index


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """Yield as many workers as torch has threads; each computes on one.

    The threads of one product wait for each other without sleeping: where another process wants one of the
    cores, products on four threads were seen to take fifty times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


def best_partners(
    counts: tuple[int, int],
    left_rows: Rows,
    right_rows: Rows,
    compare: Compare,
    *,
    k: tuple[int, int],
    device: str,
    chunk: int = CHUNK,
) -> tuple[Partners, Partners]:
    """Find for each row of either side its best partners on the other, over all pairs.

    Args:
        counts: Rows on the left, on the right.
        left_rows: Makes rows of the left side; called from several threads.
        right_rows: Makes rows of the right side.
        compare: The comparison, by matrix products.
        k: Partners wanted per row of the left, of the right; at most as many as the other side has rows.
        device: Torch device of the comparison.
        chunk: Rows of either side in one product: memory is bounded by 4 bytes x chunk x D x (4 and
            three times the number of threads).

    Returns:
        The partners of the left rows, and of the right rows.
    """
    n_left, n_right = counts
    assert 1 <= k[0] <= n_right and 1 <= k[1] <= n_left, "k partners must exist"
    from_left, from_right = _Best(n_left, k[0], device), _Best(n_right, k[1], device)
    held = _HELD_CHUNKS * chunk

    with one_thread_each() as pool:
        for group in range(0, n_right, held):
            starts = range(group, min(group + held, n_right), chunk)
            made = pool.map(lambda start: right_rows(start, min(start + chunk, n_right)), starts)
            rights = [torch.from_numpy(rows).to(device) for rows in made]

            def compared(
                first: int, rights: list[torch.Tensor] = rights
            ) -> list[tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]]:
                left = torch.from_numpy(left_rows(first, min(first + chunk, n_left))).to(device)
                found = []
                for right in rights:
                    block = compare(left, right)
                    found.append((_best_of(block, k[0], 1), _best_of(block, k[1], 0)))
                return found

            firsts = range(0, n_left, chunk)
            # In order, so that equal values are settled the same way on any number of threads.
            for first, blocks in zip(firsts, pool.map(compared, firsts), strict=True):
                for start, (of_left, of_right) in zip(starts, blocks, strict=True):
                    from_left.update(first, of_left, start)
                    from_right.update(start, of_right, first)
    return from_left.partners(), from_right.partners()
