"""Draw tissue, lesions and exclusions over the thumbnail of a slide, for visual checks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
# Points of a ring, px of the picture.
_Points = list[tuple[float, float]]

# The lines also differ in width and dashes, for readers with red-green colour blindness.
TISSUE_COLOUR: Colour = (0, 140, 60)
LESION_COLOUR: Colour = (215, 0, 20)
EXCLUSION_COLOUR: Colour = (5, 5, 5)
_LESION_WIDTH_PX = 3
_EXCLUSION_WIDTH_PX = 2
_DASH_PX = 6.0


def _border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a mask that have a neighbour outside it (up, down, left or right)."""
    padded = np.pad(mask, 1, mode="edge")
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~within


def _sized(thumbnail: NDArray[np.uint8], side_px: int) -> Image.Image:
    """Enlarge by a whole factor, so that the tissue mask's pixels stay square, or shrink to the side."""
    height, width = thumbnail.shape[:2]
    longer = max(width, height)
    image = Image.fromarray(thumbnail)
    if longer > side_px:
        size = (max(1, round(width * side_px / longer)), max(1, round(height * side_px / longer)))
        return image.resize(size, Image.Resampling.BOX)
    factor = max(1, round(side_px / longer))
    return image.resize((width * factor, height * factor), Image.Resampling.BICUBIC)


def _dashes(ring: NDArray[np.float64]) -> list[_Points]:
    """Cut a ring (k, 2) into dashes with gaps of the same length between them."""
    steps = np.hypot(*np.diff(ring, axis=0).T)
    along = np.concatenate(([0.0], np.cumsum(steps)))
    pieces = []
    for start in np.arange(0.0, along[-1], 2 * _DASH_PX):
        end = min(start + _DASH_PX, along[-1])
        at = np.concatenate(([start], along[(along > start) & (along < end)], [end]))
        x, y = np.interp(at, along, ring[:, 0]), np.interp(at, along, ring[:, 1])
        pieces.append(list(zip(x.tolist(), y.tolist(), strict=True)))
    return pieces


def overlay(
    thumbnail: NDArray[np.uint8],
    tissue: NDArray[np.bool_],
    lesion_outlines: Sequence[NDArray[np.float64]],
    exclusion_outlines: Sequence[NDArray[np.float64]],
    *,
    side_px: int,
) -> NDArray[np.uint8]:
    """Draw tissue, lesions and exclusions.

    Args:
        thumbnail: uint8 of shape (h, w, 3).
        tissue: bool of shape (h, w); its border is drawn thin and green.
        lesion_outlines: Rings of shape (k, 2), thumbnail px; drawn thick and red.
        exclusion_outlines: Rings of shape (k, 2), thumbnail px; drawn dashed and black.
        side_px: A thumbnail with a longer side is scaled down to it; a smaller one is enlarged by the
            whole factor that brings its longer side nearest to this.

    Returns:
        uint8 of shape (H, W, 3); position in px over that of the thumbnail is W / w and H / h.
    """
    image = _sized(thumbnail, side_px)
    scale = np.array(image.size) / np.array(thumbnail.shape[1::-1])
    mask = Image.fromarray(tissue.astype(np.uint8) * 255).resize(
        image.size, Image.Resampling.BOX if scale[0] < 1 else Image.Resampling.NEAREST
    )
    picture = np.array(image)
    picture[_border(np.asarray(mask) >= 128)] = TISSUE_COLOUR
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for ring in lesion_outlines:
        pen.line([(x, y) for x, y in (ring * scale).tolist()], fill=LESION_COLOUR, width=_LESION_WIDTH_PX)
    for ring in exclusion_outlines:
        for dash in _dashes(ring * scale):
            pen.line(dash, fill=EXCLUSION_COLOUR, width=_EXCLUSION_WIDTH_PX)
    return np.asarray(image, dtype=np.uint8)
