"""Draw what was found on a slide over its thumbnail, for a person to check."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

TISSUE_COLOUR: Colour = (0, 150, 60)
LESION_COLOUR: Colour = (220, 0, 0)
EXCLUSION_COLOUR: Colour = (0, 60, 220)
# Of squares by what they are: labels, and roles. Anything else is drawn grey.
SQUARE_COLOURS: Mapping[str, Colour] = {
    "normal": (0, 110, 180),
    "tumor": (213, 94, 0),
    "train": (0, 158, 115),
    "valid": (230, 159, 0),
    "test": (86, 60, 160),
    "nonmember": (204, 121, 167),
    "reference": (90, 90, 90),
}
_GREY: Colour = (128, 128, 128)


def _border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a mask that have a neighbour outside it (up, down, left or right)."""
    padded = np.pad(mask, 1, mode="edge")
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~within


def overlay(
    thumbnail: NDArray[np.uint8],
    tissue: NDArray[np.bool_],
    lesion_outlines: Sequence[NDArray[np.float64]],
    exclusion_outlines: Sequence[NDArray[np.float64]],
    squares: Mapping[str, NDArray[np.float64]],
    *,
    side_px: int,
) -> NDArray[np.uint8]:
    """Draw tissue, lesions, exclusions and squares.

    Args:
        thumbnail: uint8 of shape (h, w, 3).
        tissue: bool of shape (h, w); its border is drawn green.
        lesion_outlines: Rings of shape (k, 2), thumbnail px; drawn red.
        exclusion_outlines: Rings of shape (k, 2), thumbnail px; drawn blue.
        squares: By label or role (see `SQUARE_COLOURS`): float64 of shape (n, 3), x, y and side in
            thumbnail px. Empty for none.
        side_px: The thumbnail is enlarged by the whole factor that brings its longer side nearest to
            this; it is never made smaller.

    Returns:
        uint8 of shape (h * factor, w * factor, 3).
    """
    factor = max(1, round(side_px / max(thumbnail.shape[:2])))
    # (h, w, ...) -> (h * factor, w * factor, ...), every pixel a block
    picture = thumbnail.repeat(factor, axis=0).repeat(factor, axis=1)
    picture[_border(tissue.repeat(factor, axis=0).repeat(factor, axis=1))] = TISSUE_COLOUR
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for name in sorted(squares):
        for x, y, side in (squares[name] * factor).tolist():
            pen.rectangle((x, y, x + side - 1, y + side - 1), outline=SQUARE_COLOURS.get(name, _GREY))
    for outlines, colour in ((lesion_outlines, LESION_COLOUR), (exclusion_outlines, EXCLUSION_COLOUR)):
        for ring in outlines:
            pen.line([(x, y) for x, y in (ring * factor).tolist()], fill=colour, width=2)
    return np.asarray(image, dtype=np.uint8)
