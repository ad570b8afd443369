"""Find pen marks on a thumbnail of an H&E slide, by colours that the stains cannot produce."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pathgen.wsi.morphology import dilated

# Haematoxylin and eosin both take most from green light, so that every mixture of them does. On real patches
# of Camelyon16 and PatchCamelyon at 8 um/px, 99.9 % of the stained pixels have a density in red of at most
# 0.87 times that in green. Brown and yellow ink resemble pigment and faded stain and are not detected.
_MAX_RED_TO_GREEN = 1.05  # above: blue and green ink
_MIN_GREYNESS = 0.82  # least over greatest density; above, when dense: black ink
_MIN_BLACK_DENSITY = 0.5
_MIN_RED_CONTRAST = 0.65  # density of green less that of red; above, when blue is dense too: red ink
_MIN_RED_BLUE_TO_GREEN = 0.55  # below: pink, which is eosin
_MIN_DENSITY = 0.3  # paler pixels have no reliable colour
_MIN_SHARE = 0.5  # of a stroke's pixels that have an ink's colour
_EDGE_UM = 24.0  # a stroke's edge is half ink, half glass
_BLOCK_ROWS = 512

# Optical density by value. Clear glass is assumed to be white; black is 1/256 of it.
_DENSITY = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)


def ink_coloured(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels have a colour that H&E cannot produce.

    Args:
        rgb: uint8 of shape (h, w, 3).

    Returns:
        bool of shape (h, w): True on blue, green, black and red ink, but also on single pixels of debris,
        pigment and packed blood: see `pen_marks`.

    Source:
        Optical density by Beer and Lambert; that of the stains: Ruifrok & Johnston 2001, Quantification
        of histochemical staining by color deconvolution, table 1.
    """
    found = np.empty(rgb.shape[:2], np.bool_)
    for top in range(0, len(rgb), _BLOCK_ROWS):
        rows = slice(top, top + _BLOCK_ROWS)
        red, green, blue = np.moveaxis(_DENSITY[rgb[rows]], 2, 0)  # each (rows, w)
        high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        grey = low >= _MIN_GREYNESS * high
        blue_or_green = (red > _MAX_RED_TO_GREEN * green) & (high >= _MIN_DENSITY) & ~grey
        black = grey & (high >= _MIN_BLACK_DENSITY)
        bright_red = (green - red >= _MIN_RED_CONTRAST) & (blue >= _MIN_RED_BLUE_TO_GREEN * green)
        found[rows] = blue_or_green | black | bright_red
    return found


def pen_marks(rgb: NDArray[np.uint8], min_width_um: float, pixel_um: float) -> NDArray[np.bool_]:
    """Find the strokes of a pen.

    Args:
        rgb: Thumbnail of an H&E slide, uint8 of shape (h, w, 3).
        min_width_um: Smallest width of a stroke, um; narrower ink-like marks are pigment, debris or
            blood, part of the tissue.
        pixel_um: Side of a pixel, um.

    Returns:
        bool of shape (h, w): the strokes with their blurred edges.
    """
    ink = ink_coloured(rgb)
    # Within the largest square in a disc as wide as a stroke; noise and texture recolour some pixels.
    side = max(3, round(min_width_um / pixel_um / 2**0.5))
    strokes = ndimage.uniform_filter(ink.astype(np.float32), side, mode="nearest") >= _MIN_SHARE
    if not strokes.any():
        return strokes
    # Discs around such squares cover more than a stroke: keep only ink and its neighbourhood.
    return dilated(strokes, min_width_um / pixel_um) & dilated(ink, 2 * _EDGE_UM / pixel_um)
