"""Make a square patch smaller."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def box_mean(image: NDArray[np.uint8], out_px: int) -> NDArray[np.uint8]:
    """Average whole blocks of pixels, in integers, so that every machine gives the same bytes.

    Args:
        image: uint8 of shape (S, S, 3), S a multiple of `out_px`.
        out_px: Side of the result.

    Returns:
        uint8 of shape (out_px, out_px, 3). A block of n values with sum s gives (s + n // 2) // n: the
        mean, halves rounded up.
    """
    side = image.shape[0]
    factor = side // out_px
    assert image.shape == (out_px * factor, out_px * factor, 3)
    # (out, factor, out, factor, 3) -> (out, out, 3)
    blocks = image.reshape(out_px, factor, out_px, factor, 3)
    total = blocks.sum(axis=(1, 3), dtype=np.uint64)
    count = factor * factor
    mean: NDArray[np.uint8] = ((total + count // 2) // count).astype(np.uint8)
    return mean


def shrink(image: NDArray[np.uint8], out_px: int) -> NDArray[np.uint8]:
    """Shrink a square image by averaging.

    Args:
        image: uint8 of shape (S, S, 3), S >= `out_px`.
        out_px: Side of the result.

    Returns:
        uint8 of shape (out_px, out_px, 3): `box_mean` where S is a multiple of `out_px`, else Pillow's
        BOX filter, which averages the pixels whose centres fall into each output pixel.
    """
    side = image.shape[0]
    assert side >= out_px, "a patch is never made larger"
    if side % out_px == 0:
        return box_mean(image, out_px)
    resized = Image.fromarray(image).resize((out_px, out_px), Image.Resampling.BOX)
    return np.asarray(resized, dtype=np.uint8)
