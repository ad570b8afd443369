"""Find pen marks on a small picture of an H&E slide: ink, by colours that the stains cannot make."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pathgen.wsi.morphology import fits, grown, opened

# Haematoxylin and eosin both take most from green light, so that every mixture of them does. On real patches
# of Camelyon16 and PatchCamelyon at 8 um/px, 99.9 % of the stained pixels have a density in red, and also in
# blue, of at most 0.87 times that in green.
_MAX_RED_TO_GREEN = 1.05  # above: blue, green and violet ink
_MAX_BLUE_TO_GREEN = 0.95  # above: green, yellow and brown ink
_MIN_GREYNESS = 0.82  # least over greatest density; above, when dense: black ink
_MIN_BLACK_DENSITY = 0.5
_MIN_RED_CONTRAST = 0.65  # density of green less that of red; above, when blue is dense too: red ink
_MIN_RED_BLUE_TO_GREEN = 0.55  # below: pink, which is eosin
_MIN_DENSITY = 0.3  # paler pixels have no colour to speak of
# A stroke's edge is half ink, half glass.
_EDGE_UM = 24.0
_BLOCK_ROWS = 512

# Optical density by value. Clear glass is taken to be white; black is 1/256 of it.
_DENSITY = -np.log10((np.arange(256, dtype=np.float32) + 1) / 256)


def ink_coloured(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which pixels have a colour that H&E does not make.

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
        absorbs_red = red > _MAX_RED_TO_GREEN * green
        absorbs_blue = blue > _MAX_BLUE_TO_GREEN * green
        black = (low >= _MIN_GREYNESS * high) & (high >= _MIN_BLACK_DENSITY)
        bright_red = (green - red >= _MIN_RED_CONTRAST) & (blue >= _MIN_RED_BLUE_TO_GREEN * green)
        # Grey shadow of any density is no colour, and no ink unless it is black.
        coloured = (absorbs_red | absorbs_blue) & (low < _MIN_GREYNESS * high)
        found[rows] = (high >= _MIN_DENSITY) & (coloured | bright_red | black)
    return found


def pen_marks(rgb: NDArray[np.uint8], min_width_um: float, pixel_um: float) -> NDArray[np.bool_]:
    """Find the strokes of a pen.

    Args:
        rgb: uint8 of shape (h, w, 3), a picture of an H&E slide.
        min_width_um: What is narrower is no stroke but pigment, debris or blood, which are part of tissue.
        pixel_um: Side of a pixel, um.

    Returns:
        bool of shape (h, w): the strokes with their blurred edges.
    """
    # By the majority of nine: single pixels of a stroke have other colours, by noise and compression.
    ink = ndimage.uniform_filter(ink_coloured(rgb).astype(np.float32), 3, mode="nearest") > 0.5
    if not fits(ink, min_width_um / pixel_um):
        return np.zeros(ink.shape, np.bool_)
    return grown(opened(ink, min_width_um / pixel_um), 2 * _EDGE_UM / pixel_um)
