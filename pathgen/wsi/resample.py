"""Downsample images by exact averaging in integers: the same bytes on every machine."""

import numpy as np
from numpy.typing import NDArray

_SIXTEEN_BITS = 0xFFFF


def working_memory(values: int) -> NDArray[np.uint16]:
    """Allocate a buffer that `block_means` reuses.

    Args:
        values: Number of values (pixels times 3) of the largest image to be averaged.

    Returns:
        uint16 of shape (2, k), for one thread and blocks of at least 2 px.
    """
    return np.empty((2, values // 2), dtype=np.uint16)


def block_means(
    image: NDArray[np.uint8], factor: int, memory: NDArray[np.uint16] | None = None
) -> NDArray[np.uint8]:
    """Average whole blocks of pixels.

    Args:
        image: uint8 of shape (h * factor, w * factor, 3), each row contiguous.
        factor: Side of a block, px.
        memory: Buffer of `working_memory`, or None.

    Returns:
        uint8 of shape (h, w, 3). A block of n values with sum s gives (s + n // 2) // n: the mean,
        halves rounded up.
    """
    height, width = image.shape[0] // factor, image.shape[1] // factor
    assert height > 0 and width > 0 and image.shape == (height * factor, width * factor, 3)
    if factor == 1:
        return image.copy()
    count = factor * factor
    values = height * width * factor * 3
    if count * 255 + count // 2 > _SIXTEEN_BITS:
        sums, spare = np.empty((2, values), dtype=np.uint32)
    else:
        sums, spare = (working_memory(image.size) if memory is None else memory)[:, :values]
    rows = image.reshape(height, factor, width * factor * 3)
    by_row = sums.reshape(height, width * factor * 3)
    np.add(rows[:, 0], rows[:, 1], out=by_row, dtype=sums.dtype)
    for row in range(2, factor):
        np.add(by_row, rows[:, row], out=by_row)
    # Only one in `factor` of these sums of neighbours is needed. All are computed, because contiguous
    # values are added many at a time and scattered ones are not.
    step, rest, made = 3, factor, values
    while rest % 2 == 0:
        made -= step
        np.add(sums[:made], sums[step : step + made], out=spare[:made])
        sums, spare, step, rest = spare, sums, step * 2, rest // 2
    if rest > 1:
        made -= step * (rest - 1)
        np.add(sums[:made], sums[step : step + made], out=spare[:made])
        for part in range(2, rest):
            np.add(spare[:made], sums[part * step : part * step + made], out=spare[:made])
        sums, spare = spare, sums
    means = np.empty((height, width, 3), dtype=np.uint8)
    whole, shift = sums.dtype.type(count), sums.dtype.type(count.bit_length() - 1)
    for channel in range(3):
        wanted = np.add(sums[channel : made : 3 * factor], whole // 2, out=spare[: height * width])
        if 1 << int(shift) == count:  # A shift takes a twentieth of the time of a division.
            np.right_shift(wanted, shift, out=wanted)
        else:
            np.floor_divide(wanted, whole, out=wanted)
        means[..., channel] = wanted.reshape(height, width)
    return means


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
        return block_means(image, side // out_px)
    sums = _area_sums(_area_sums(image, out_px).transpose(1, 0, 2), out_px).transpose(1, 0, 2)
    whole = side * side
    means: NDArray[np.uint8] = ((sums + whole // 2) // whole).astype(np.uint8)
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
