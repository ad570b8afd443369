"""Positions of patches: pure functions of sizes, in level-0 px unless a name states otherwise.

Frame: x to the right, y downwards, origin at the slide's top-left corner; a square has a
top-left corner and a side, and covers [x, x + side) by [y, y + side).
"""

import numpy as np
from numpy.typing import NDArray


def length_l0(length_px: int, mpp: float, slide_mpp: float, tolerance: float) -> int:
    """Convert a length at a nominal resolution to level-0 pixels of a slide.

    Scanners that are all called "40x" differ by a tenth (0.226 to 0.25 um/px). Within `tolerance` the
    length stays the same number of pixels, as published patches were cut; beyond it the length stays
    the same number of microns.

    Args:
        length_px: The length in pixels of resolution `mpp`, at least 1.
        mpp: The nominal resolution, um/px.
        slide_mpp: The slide's resolution at level 0, um/px.
        tolerance: Relative difference of the two resolutions up to which they count as equal, e.g. 0.1.

    Returns:
        The length in level-0 pixels, at least 1; half pixels round to even.
    """
    assert length_px >= 1 and mpp > 0 and slide_mpp > 0 and tolerance >= 0
    if abs(slide_mpp / mpp - 1) <= tolerance:
        return length_px
    return max(1, round(length_px * mpp / slide_mpp))


def grid_positions(width: int, height: int, size: int, stride: int) -> NDArray[np.int64]:
    """Return the corners of all squares that lie wholly on a slide.

    Args:
        width: Width of the slide, px.
        height: Height of the slide, px.
        size: Side of a square, px.
        stride: Distance of neighbouring squares, px; the grid starts at (0, 0).

    Returns:
        int64 of shape (n, 2), columns x and y, row by row from the top: the row number in this array
        is the square's number on the slide.
    """
    assert size >= 1 and stride >= 1
    rows, columns = (max(0, (side - size) // stride + 1) for side in (height, width))
    y, x = np.divmod(np.arange(rows * columns, dtype=np.int64), max(columns, 1))
    return np.stack([x * stride, y * stride], axis=1)  # (n, 2)


def finest_reduction(downsamples: tuple[float, ...], wanted: float) -> tuple[int, int]:
    """Choose the level of a thumbnail and the whole factor by which it is reduced.

    Args:
        downsamples: Downsamples of the levels, ascending, the first is 1.
        wanted: Downsample of the thumbnail, at least 1.

    Returns:
        (level, factor): the coarsest level that is not coarser than wanted, and the largest whole
        factor that does not make it coarser than wanted either.
    """
    assert wanted >= 1
    slack = 1 + 1e-6  # A stored downsample of 32.0000001 is 32.
    fine = [level for level, downsample in enumerate(downsamples) if downsample <= wanted * slack]
    level = fine[-1] if fine else 0
    return level, max(1, int(wanted * slack / downsamples[level]))
