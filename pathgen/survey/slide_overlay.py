"""Draw sampled patches over a slide's picture: one colour per class, one sign per role."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, Colour

MARK_COLOURS: Mapping[str, Colour] = {"normal": (0, 84, 200), "tumor": (240, 120, 0)}
# Smallest side of a mark in which the signs can be distinguished.
_SMALLEST_PX = 7
# Share of the slide's own colour below the marks.
_KEPT = 0.6
_PALE = (255 - (255.0 - np.arange(256)) * _KEPT).round().astype(np.uint8)
_SIGN_PX = 15
_TEXT_PX = 12
# Strokes across a mark, in shares of its side: x0, y0, x1, y1.
_RISING, _FALLING = (0.0, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0)
_STROKES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "train": (),
    "valid": ((0.0, 0.5, 1.0, 0.5),),
    "test": ((0.5, 0.0, 0.5, 1.0),),
    "nonmember": (_RISING,),
    "reference": (_RISING, _FALLING),
    "fresh": (_FALLING,),
}


def _draw_mark(pen: ImageDraw.ImageDraw, left: int, top: int, side_px: int, label: str, role: str) -> None:
    """Draw the mark of one patch: a square with the strokes of its role."""
    last = side_px - 1
    colour = MARK_COLOURS[label]
    for x0, y0, x1, y1 in _STROKES[role]:
        ends = (left + x0 * last, top + y0 * last, left + x1 * last, top + y1 * last)
        pen.line([round(end) for end in ends], fill=colour)
    pen.rectangle((left, top, left + last, top + last), outline=colour)


def mark_sign(label: str, role: str) -> NDArray[np.uint8]:
    """Return the mark of a class and role alone, uint8 of shape (15, 15, 3), for the page's legend."""
    sign = Image.new("RGB", (_SIGN_PX, _SIGN_PX), (255, 255, 255))
    _draw_mark(ImageDraw.Draw(sign), 0, 0, _SIGN_PX, label, role)
    return np.asarray(sign, dtype=np.uint8)


def mark_patches(
    picture: NDArray[np.uint8], patches: pd.DataFrame, slide_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draw patches over a slide's picture.

    Args:
        picture: The whole slide with its outlines, uint8 of shape (h, w, 3).
        patches: Columns ``x_l0``, ``y_l0``, ``size_l0`` (level-0 px), ``label`` and ``role``; may be empty.
        slide_px: Width and height of the slide at level 0.

    Returns:
        Paler picture with one mark per patch, and the outlines of lesions and exclusions on top.
    """
    image = Image.fromarray(_PALE[picture])
    pen = ImageDraw.Draw(image)
    scale_x, scale_y = picture.shape[1] / slide_px[0], picture.shape[0] / slide_px[1]
    # By class and role, so that marks hide one another in the same order on every slide.
    for label in LABELS:
        for role in ROLES:
            of_both = patches[(patches["label"] == label) & (patches["role"] == role)]
            for x, y, size in of_both[["x_l0", "y_l0", "size_l0"]].itertuples(index=False):
                side = max(_SMALLEST_PX, round(size * (scale_x + scale_y) / 2))
                centre = ((x + size / 2) * scale_x, (y + size / 2) * scale_y)
                left, top = (round(at - side / 2) for at in centre)
                _draw_mark(pen, left, top, side, label, role)
    marked = np.array(image)
    for colour in (LESION_COLOUR, EXCLUSION_COLOUR):
        red, green, blue = (picture[:, :, channel] == colour[channel] for channel in range(3))
        marked[red & green & blue] = colour
    return marked


def with_scale_bar(picture: NDArray[np.uint8], width_mm: float) -> NDArray[np.uint8]:
    """Draw a scale bar in the lower left corner.

    Args:
        picture: The whole slide, uint8 of shape (h, w, 3).
        width_mm: Width of the slide, mm.

    Returns:
        Picture with a bar of 1, 2 or 5 times a power of ten mm, at most a quarter of the width, and its
        length above it, on white.
    """
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    power = 10.0 ** math.floor(math.log10(width_mm / 4))
    length_mm = max(step * power for step in (1, 2, 5) if step * power <= width_mm / 4)
    words = f"{length_mm:g} mm"
    left, bottom = 6, image.height - 6
    right = left + round(image.width * length_mm / width_mm)
    text_box = pen.textbbox((left, bottom - 6), words, anchor="ls", font_size=_TEXT_PX)
    pen.rectangle((left - 3, text_box[1] - 3, max(right, text_box[2]) + 3, bottom + 3), fill="white")
    pen.text((left, bottom - 6), words, fill="black", anchor="ls", font_size=_TEXT_PX)
    pen.rectangle((left, bottom - 2, right, bottom), fill="black")
    return np.asarray(image, dtype=np.uint8)
