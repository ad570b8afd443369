"""Find tissue on a thumbnail of a slide: pure functions of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.wsi.morphology import closed, opened
from pathgen.wsi.pen_marks import pen_marks
from pathgen.wsi.settings import TissueSettings


@dataclass(frozen=True)
class TissueMask:
    """Tissue of a slide.

    Attributes:
        mask: bool (H, W), True on tissue.
        downsample: Level-0 px per mask pixel in x and in y.
        threshold: Smallest saturation of tissue, [0, 1].
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
    # By channel: numpy's reduction over an axis of three is ten times slower.
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    high = np.maximum(np.maximum(red, green), blue)
    low = np.minimum(np.minimum(red, green), blue)
    top = np.maximum(high, 1)
    scaled: NDArray[np.uint8] = ((np.uint16(255) * (high - low) + top // 2) // top).astype(np.uint8)
    return scaled


def otsu_threshold(values: NDArray[np.uint8]) -> int:
    """Find the threshold that best separates values into two classes.

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
    separated = spread > 0
    if not separated[:-1].any():
        return 255
    between = np.zeros(256)
    between[separated] = (first_moment[-1] * weight[separated] - first_moment[separated]) ** 2 / spread[
        separated
    ]
    # Over empty bins of the histogram the values are equal up to rounding.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return int(best[len(best) // 2])


def find_tissue(
    rgb: NDArray[np.uint8],
    coverage: NDArray[np.bool_],
    downsample: tuple[float, float],
    mpp: float,
    settings: TissueSettings,
) -> TissueMask:
    """Find stained tissue by Otsu's threshold on the saturation.

    Glass is white or grey, so its saturation is low; the stains' is high. Black padding has no
    meaningful saturation after compression, and ink has more than any stain, which would raise the threshold
    above pale tissue: both are excluded from the tissue and from the threshold.

    Args:
        rgb: Thumbnail, uint8 (H, W, 3), white where the slide has no pixels.
        coverage: Pixels that the slide has, bool (H, W); others are never tissue.
        downsample: Level-0 px per pixel in x and in y.
        mpp: Resolution of level 0, um/px.
        settings: Section `index.tissue`. Its `min_saturation` keeps an empty slide, whose noise Otsu would
            split in two, without tissue.

    Returns:
        Mask; all False if there is no tissue.
    """
    colour = saturation(rgb)
    pixel_um = mpp * (downsample[0] + downsample[1]) / 2
    usable = np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2]) >= settings.black_below
    if settings.pen_min_width_um is not None:
        usable &= ~pen_marks(rgb, settings.pen_min_width_um, pixel_um)
    otsu = otsu_threshold(colour[usable]) if bool(usable.any()) else 255
    threshold = max(otsu, round(255 * settings.min_saturation))
    mask = (colour > threshold) & usable
    mask = opened(mask, settings.opening_um / pixel_um)
    mask = closed(mask, settings.closing_um / pixel_um)
    # Closing must not fill padding, ink or places without pixels.
    return TissueMask(mask=mask & usable & coverage, downsample=downsample, threshold=threshold / 255)
