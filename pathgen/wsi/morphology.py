"""Dilation, opening and closing of masks by discs: pure functions of arrays."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def dilated(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Dilate by a disc: every pixel whose centre is within half the diameter of one in the mask.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Diameter of the disc, px; below 2 nothing changes.

    Returns:
        bool of shape (h, w).
    """
    if diameter_px < 2 or not mask.any():
        return mask.copy()
    distance = ndimage.distance_transform_edt(~mask)
    return np.asarray(distance <= diameter_px / 2, dtype=np.bool_)


def opened(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Remove parts that a disc does not fit into; the image's edge is not a border.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Diameter of the disc, px; below 2 nothing changes.

    Returns:
        bool of shape (h, w).
    """
    return dilated(~dilated(~mask, diameter_px), diameter_px)


def closed(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Fill the gaps that a disc does not fit into (see `opened`)."""
    return ~dilated(~dilated(mask, diameter_px), diameter_px)
