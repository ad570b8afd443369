"""Find tissue on a small picture of a slide: pure functions of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class TissueMask:
    """Where the tissue is.

    Attributes:
        mask: bool of shape (h, w), True on tissue.
        downsample: Level-0 px per mask pixel in x and in y.
        threshold: The saturation in [0, 1] above which a pixel counted as tissue.
    """

    mask: NDArray[np.bool_]
    downsample: tuple[float, float]
    threshold: float


def saturation(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the saturation of HSV.

    Args:
        rgb: uint8 of shape (h, w, 3).

    Returns:
        uint8 of shape (h, w): 255 * (max - min) / max over the channels, rounded; 0 where max is 0.
    """
    high = rgb.max(axis=2).astype(np.int64)
    low = rgb.min(axis=2).astype(np.int64)
    top = np.maximum(high, 1)
    scaled: NDArray[np.uint8] = ((255 * (high - low) + top // 2) // top).astype(np.uint8)
    return scaled


def otsu_threshold(values: NDArray[np.uint8]) -> int:
    """Find the threshold that best parts values into two classes.

    Args:
        values: uint8 of any shape, at least one.

    Returns:
        The t in [0, 255] that maximises the variance between the classes ``<= t`` and ``> t``, the
        middle one of several; 255 when all values are the same.

    Source:
        Otsu 1979, A threshold selection method from gray-level histograms, equation 18.
    """
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    weight = np.cumsum(counts) / counts.sum()  # omega(t)
    first_moment = np.cumsum(counts * np.arange(256)) / counts.sum()  # mu(t)
    spread = weight * (1 - weight)
    parted = spread > 0
    if not parted[:-1].any():
        return 255
    between = np.zeros(256)
    between[parted] = (first_moment[-1] * weight[parted] - first_moment[parted]) ** 2 / spread[parted]
    # An empty stretch of the histogram gives equal values up to rounding.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return int(best[len(best) // 2])


def opened(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Remove what a disc does not fit into; the picture's edge does not count as a border.

    Args:
        mask: bool of shape (h, w).
        diameter_px: Of the disc, pixels; below 2 nothing changes.

    Returns:
        bool of shape (h, w).
    """
    return _grown(~_grown(~mask, diameter_px), diameter_px)


def closed(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Fill the gaps that a disc does not fit into (see `opened`)."""
    return ~_grown(~_grown(mask, diameter_px), diameter_px)


def _grown(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    """Dilate by a disc: every pixel whose centre is within half the diameter of one in the mask."""
    if diameter_px < 2 or not mask.any():
        return mask.copy()
    distance = ndimage.distance_transform_edt(~mask)
    return np.asarray(distance <= diameter_px / 2, dtype=np.bool_)


def find_tissue(
    rgb: NDArray[np.uint8],
    coverage: NDArray[np.bool_],
    downsample: tuple[float, float],
    mpp: float,
    *,
    min_saturation: float,
    black_below: int,
    opening_um: float,
    closing_um: float,
) -> TissueMask:
    """Find stained tissue by Otsu's threshold on the saturation.

    Glass is white or grey, so its saturation is low; the stains' is high. Black padding has no
    meaningful saturation (compression turns it into any value), so that near-black pixels neither
    count as tissue nor take part in finding the threshold.

    Args:
        rgb: uint8 of shape (h, w, 3): the small picture, missing places white.
        coverage: bool of shape (h, w): False where the slide has no pixels; never tissue.
        downsample: Level-0 px per pixel in x and in y.
        mpp: Of level 0, um/px.
        min_saturation: In [0, 1]: the threshold is at least this, so that an empty slide, whose noise
            Otsu would part in two, has no tissue.
        black_below: Pixels whose brightest channel is below this are padding, 0 to 255.
        opening_um: Specks narrower than this are removed; 0 for none.
        closing_um: Gaps narrower than this are filled, after the opening; 0 for none.

    Returns:
        The mask, all False where there is no tissue.
    """
    colour = saturation(rgb)
    lit = rgb.max(axis=2) >= black_below
    otsu = otsu_threshold(colour[lit]) if bool(lit.any()) else 255
    threshold = max(otsu, round(255 * min_saturation))
    mask = (colour > threshold) & lit
    pixel_um = mpp * (downsample[0] + downsample[1]) / 2
    mask = opened(mask, opening_um / pixel_um)
    mask = closed(mask, closing_um / pixel_um)
    # Closing must not fill padding or places without pixels.
    return TissueMask(mask=mask & lit & coverage, downsample=downsample, threshold=threshold / 255)
