"""Exact nearest neighbours between two sets of patches, streamed: memory does not grow with the pairs."""

from dataclasses import dataclass
from typing import Literal

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
# Single precision ranks pairs, double precision measures them: so many more are kept for the second look.
_MARGIN = 3
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


def turned(images: NDArray[np.uint8], symmetry: int) -> NDArray[np.uint8]:
    """Turn and mirror patches.

    Args:
        images: Square patches, (..., S, S, 3).
        symmetry: 0 to 7: quarter turns (``symmetry % 4``), mirrored from 4 on. 0 changes nothing.

    Returns:
        A view or copy of the same shape.
    """
    quarter = np.rot90(images, symmetry % 4, axes=(-3, -2))
    return quarter[..., ::-1, :] if symmetry >= 4 else quarter


def _rows(images: NDArray[np.uint8], measure: Measure, device: str, dtype: torch.dtype) -> torch.Tensor:
    """Bring patches to rows whose products give the measure, (N, S * S * 3)."""
    flat = torch.from_numpy(np.ascontiguousarray(images).reshape(len(images), -1)).to(device, dtype)
    if measure == "l2":
        return flat - 127.5  # smaller squares, less rounding
    centred = flat - flat.mean(dim=1, keepdim=True)
    norm = centred.norm(dim=1, keepdim=True)
    # An even patch has no pattern to correlate: its correlation with everything is 0, not undefined.
    return torch.where(norm > 0, centred / norm.clamp_min(1e-12), 0.0)


def _forms(images: NDArray[np.uint8], measure: Measure) -> list[NDArray[np.uint8]]:
    count = SYMMETRIES if measure == "ncc-square" else 1
    return [turned(images, symmetry) for symmetry in range(count)]


def _block(left: list[torch.Tensor], right: torch.Tensor, measure: Measure) -> torch.Tensor:
    """Compare all pairs by matrix products; (L, R), smaller is nearer."""
    if measure == "l2":
        (rows,) = left
        return (rows * rows).sum(1)[:, None] + (right * right).sum(1)[None, :] - 2 * (rows @ right.T)
    best = left[0] @ right.T
    for rows in left[1:]:
        torch.maximum(best, rows @ right.T, out=best)
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

    def index(self) -> NDArray[np.int64]:
        return np.asarray(self._index.cpu().numpy())


def _exact(
    queries: NDArray[np.uint8], others: NDArray[np.uint8], shortlist: NDArray[np.int64], measure: Measure
) -> NDArray[np.float64]:
    """Measure the shortlisted pairs in double precision, (Q, m)."""
    n_queries, m = shortlist.shape
    values = int(np.prod(queries.shape[1:]))
    step = max(1, _EXACT_VALUES // (m * values))
    distance = np.empty((n_queries, m))
    for start in range(0, n_queries, step):
        chunk = shortlist[start : start + step]
        other = _rows(others[chunk.ravel()], measure, "cpu", torch.float64).reshape(len(chunk), m, values)
        forms = [
            _rows(form, measure, "cpu", torch.float64)
            for form in _forms(queries[start : start + step], measure)
        ]
        if measure == "l2":
            found = (other - forms[0][:, None, :]).square().mean(dim=2).sqrt()
        else:
            products = [(other * form[:, None, :]).sum(dim=2) for form in forms]
            found = (1 - torch.stack(products).amax(dim=0)).clamp_min(0.0)
        distance[start : start + step] = found.numpy()
    return distance


def _finished(
    queries: NDArray[np.uint8], others: NDArray[np.uint8], shortlist: _Shortlist, measure: Measure, k: int
) -> Nearest:
    index = np.sort(shortlist.index(), axis=1)  # equal distances: the lower row first
    distance = _exact(queries, others, index, measure)
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return Nearest(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


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
        chunk: Patches of either set compared at a time: memory grows with chunk x (chunk + S * S * 3).

    Returns:
        The nearest of `right` for each of `left`, and the nearest of `left` for each of `right`. The
        distances are exact to double precision; the ranking to the rounding of single precision.
    """
    assert left.shape[1:] == right.shape[1:] and left.shape[1] == left.shape[2], "one square size"
    assert 1 <= k <= min(len(left), len(right)), "k neighbours must exist"
    from_left = _Shortlist(len(left), min(k + _MARGIN, len(right)), device)
    from_right = _Shortlist(len(right), min(k + _MARGIN, len(left)), device)
    for right_start in range(0, len(right), chunk):
        right_rows = _rows(right[right_start : right_start + chunk], measure, device, torch.float32)
        for left_start in range(0, len(left), chunk):
            forms = _forms(left[left_start : left_start + chunk], measure)
            left_rows = [_rows(form, measure, device, torch.float32) for form in forms]
            block = _block(left_rows, right_rows, measure)
            from_left.update(left_start, block, right_start)
            from_right.update(right_start, block.T, left_start)
    return (
        _finished(left, right, from_left, measure, k),
        _finished(right, left, from_right, measure, k),
    )
