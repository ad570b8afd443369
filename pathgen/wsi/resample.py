"""Downsample images by exact averaging in integers: the same bytes on every machine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIXTEEN_BITS = 0xFFFF


def shrink(image: NDArray[np.uint8], out_px: int) -> NDArray[np.uint8]:
    """Shrink a square image by averaging areas, in integers.

    Args:
        image: uint8 of shape (S, S, 3), S >= `out_px`.
        out_px: Side of the result, px.

    Returns:
        uint8 of shape (out_px, out_px, 3): the mean over each output pixel's area, halves rounded up. Where
        S is not a multiple of `out_px`, pixels on an output pixel's edge are weighted by their part within.
    """
    side = image.shape[0]
    assert image.shape == (side, side, 3)
    assert 1 <= out_px <= side, "a patch is never made larger"
    if side % out_px == 0:
        return _block_means(image, side // out_px)
    sums = _area_sums(_area_sums(image, out_px).transpose(1, 0, 2), out_px).transpose(1, 0, 2)
    whole = side * side
    means: NDArray[np.uint8] = ((sums + whole // 2) // whole).astype(np.uint8)
    return means


def _block_means(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average whole blocks of factor x factor pixels, halves rounded up."""
    count = factor * factor
    kind: Any = np.uint16 if count * 255 + count // 2 <= _SIXTEEN_BITS else np.uint32
    rows: NDArray[Any] = image[::factor].astype(kind)  # (h, w * factor, 3)
    for row in range(1, factor):
        rows += image[row::factor]
    means = np.empty((len(rows), len(rows), 3), dtype=np.uint8)
    for channel in range(3):  # numpy adds whole rows of one channel faster than pixels of three values
        sums = rows[:, ::factor, channel].copy()
        for column in range(1, factor):
            sums += rows[:, column::factor, channel]
        means[..., channel] = (sums + kind(count // 2)) // kind(count)
    return means


def _area_sums(
    values: NDArray[np.uint8] | NDArray[np.int64], out_px: int
) -> NDArray[np.int64]:  # (S, k, 3) -> (out_px, k, 3)
    """Sum rows into `out_px` equal spans; the weight of a whole row is `out_px`, that of a part less."""
    # Edge k of the spans lies at k * S / out_px: `rows` whole rows and `parts` / out_px of the next.
    rows, parts = np.divmod(np.arange(out_px + 1) * len(values), out_px)
    sums = np.add.reduceat(values, rows[:-1], axis=0, dtype=np.int64) * out_px
    cut = values[np.minimum(rows, len(values) - 1)] * parts[:, None, None]
    return np.asarray(sums + cut[1:] - cut[:-1], dtype=np.int64)
