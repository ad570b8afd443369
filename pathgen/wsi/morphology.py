"""Open, close and grow masks by discs: pure functions of arrays."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def grown(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Dilate by a disc: every pixel whose centre is within half the diameter of one in the mask.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Of the disc, pixels; below 2 nothing changes.

    Returns:
        bool of shape (h, w).
    """
    if diameter_px < 2 or not mask.any():
        return mask.copy()
    distance = ndimage.distance_transform_edt(~mask)
    return np.asarray(distance <= diameter_px / 2, dtype=np.bool_)


def opened(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Remove what a disc does not fit into; the picture's edge does not count as a border.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Of the disc, pixels; below 2 nothing changes.

    Returns:
        bool of shape (h, w).
    """
    return grown(~grown(~mask, diameter_px), diameter_px)


def closed(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Fill the gaps that a disc does not fit into (see `opened`)."""
    return ~grown(~grown(mask, diameter_px), diameter_px)


def fits(mask: NDArray[np.bool_], diameter_px: float) -> bool:
    """Tell quickly whether an opening may leave anything: whether the disc's inner square fits somewhere.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Of the disc, pixels.

    Returns:
        False only where `opened` leaves nothing.
    """
    side = max(1, int(diameter_px / np.sqrt(2)) - 1)
    within = mask.view(np.uint8)
    for axis in (0, 1):
        within = ndimage.minimum_filter1d(within, side, axis=axis, mode="constant", cval=1)
    return bool(within.any())
