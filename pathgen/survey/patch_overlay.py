"""Draw the drawn patches over a slide's picture: the colour tells the class, the sign the role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, TISSUE_COLOUR, Colour

MARK_COLOURS: Mapping[str, Colour] = {"normal": (0, 84, 200), "tumor": (240, 120, 0)}
# In marks smaller than this the signs cannot be told apart.
_SMALLEST_PX = 7
# So large they are drawn where there is room.
_CLEAR_PX = 11
# This share of the patches may have a neighbour so near that the marks overlap.
_CLOSEST = 0.25
# How much of the slide's colour stays below the marks.
_KEPT = 0.6
_TINT = 0.45
_PALER = (255 - (255 - np.arange(256.0)) * _KEPT).round().astype(np.uint8)
# Strokes across a mark from corner to corner, in shares of its side: x0, y0, x1, y1.
_RISING, _FALLING = (0.0, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 1.0)
_STROKES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "train": (),
    "valid": ((0.0, 0.5, 1.0, 0.5),),
    "test": ((0.5, 0.0, 0.5, 1.0),),
    "nonmember": (_RISING,),
    "reference": (_RISING, _FALLING),
}
FILLED_ROLES = ("train",)
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Marked:
    """A picture with marks.

    Attributes:
        picture: uint8 of shape (h, w, 3).
        patch_px: Side of a patch on the picture, px (the median); 0 without patches.
        mark_px: Side of the marks, px; 0 without patches.
    """

    picture: NDArray[np.uint8]
    patch_px: float
    mark_px: float


def fade(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a slide's picture paler, so that marks stand out, and keep the lines drawn on it.

    Args:
        picture: uint8 of shape (h, w, 3), made by `pathgen.wsi.overlay.overlay`.

    Returns:
        uint8 of shape (h, w, 3).
    """
    pale = _PALER[picture]
    return _with_lines(pale, picture, (TISSUE_COLOUR, LESION_COLOUR, EXCLUSION_COLOUR))


def has_colour(picture: NDArray[np.uint8], colour: Colour) -> NDArray[np.bool_]:
    """Return where a picture is of exactly this colour, bool of shape (h, w)."""
    red, green, blue = (picture[..., channel] == value for channel, value in enumerate(colour))
    return np.asarray(red & green & blue)


def _with_lines(
    picture: NDArray[np.uint8], drawn: NDArray[np.uint8], colours: tuple[Colour, ...]
) -> NDArray[np.uint8]:
    """Draw again what is on another picture in exactly these colours."""
    for colour in colours:
        picture[has_colour(drawn, colour)] = colour
    return picture


def mark_side(centres: NDArray[np.float64], side_px: float) -> float:
    """Return how large marks can be without hiding one another.

    Args:
        centres: Centres of the patches on the picture, px, float64 of shape (n, 2).
        side_px: Side of a patch on the picture, px.

    Returns:
        The patch's own side where patches keep apart; more where that is too small to be seen and there is
        room; where patches overlap, about the distance between neighbours.
    """
    wanted = max(side_px, _CLEAR_PX)
    if len(centres) > 1:
        # The larger of the distances in x and y, as between squares; [:, 1] is the nearest other one.
        apart = np.asarray(cKDTree(centres).query(centres, k=2, p=np.inf)[0])[:, 1]
        wanted = min(wanted, float(np.quantile(apart, _CLOSEST)))
    return max(wanted, _SMALLEST_PX)


def _box(centre_x: float, centre_y: float, side: float) -> Box:
    """Return the first and last pixel of a mark."""
    left, top = round(centre_x - side / 2), round(centre_y - side / 2)
    return left, top, left + round(side) - 1, top + round(side) - 1


def draw_mark(pen: ImageDraw.ImageDraw, box: Box, label: str, role: str, *, filled: bool) -> None:
    """Draw one mark.

    Args:
        pen: Draws on the picture.
        box: First and last pixel: left, top, right, bottom.
        label: Its class, which gives the colour.
        role: Its role, which gives the sign.
        filled: Whether the sign of filled roles hides the tissue below it.
    """
    left, top, right, bottom = box
    colour = MARK_COLOURS[label]
    for x0, y0, x1, y1 in _STROKES[role]:
        ends = (
            round(left + x0 * (right - left)),
            round(top + y0 * (bottom - top)),
            round(left + x1 * (right - left)),
            round(top + y1 * (bottom - top)),
        )
        pen.line(ends, fill=colour)
    pen.rectangle(box, outline=colour, fill=colour if filled and role in FILLED_ROLES else None)


def _tint(picture: NDArray[np.uint8], boxes: Sequence[Box], label: str) -> None:
    """Mix a class's colour into parts of a picture, in place."""
    inside = Image.new("1", picture.shape[1::-1])
    pen = ImageDraw.Draw(inside)
    for box in boxes:
        pen.rectangle(box, fill=1)
    where = np.asarray(inside)
    mixed = picture[where] * (1 - _TINT) + np.array(MARK_COLOURS[label]) * _TINT
    picture[where] = mixed.round().astype(np.uint8)


def mark_patches(picture: NDArray[np.uint8], patches: pd.DataFrame, slide_px: tuple[int, int]) -> Marked:
    """Draw patches over a slide's picture.

    Args:
        picture: The whole slide, uint8 of shape (h, w, 3), with its outlines.
        patches: Has ``x_l0``, ``y_l0``, ``size_l0`` (level-0 px), ``label`` and ``role``; may be empty.
        slide_px: Width and height of the slide at level 0.

    Returns:
        The picture paler, each patch a square in its class's colour with the sign of its role, and the
        outlines of lesions and exclusions on top.
    """
    marked = fade(picture)
    if len(patches) == 0:
        return Marked(marked, 0.0, 0.0)
    scale = np.array(picture.shape[1::-1]) / np.array(slide_px)
    sizes = patches["size_l0"].to_numpy(dtype=np.float64) * scale.mean()
    corners = patches[["x_l0", "y_l0"]].to_numpy(dtype=np.float64)
    centres = (corners + patches[["size_l0"]].to_numpy(dtype=np.float64) / 2) * scale
    patch_side = float(np.median(sizes))
    side = mark_side(centres, patch_side)
    roles, labels = patches["role"].to_numpy(dtype=object), patches["label"].to_numpy(dtype=object)
    tinted = side >= 2 * _SMALLEST_PX
    for label in LABELS:
        # By role, so that crowded signs hide one another in the same order on every slide.
        boxes = {
            role: [_box(x, y, side) for x, y in centres[(labels == label) & (roles == role)].tolist()]
            for role in ROLES
        }
        if tinted:
            _tint(marked, [box for role in FILLED_ROLES for box in boxes[role]], label)
        image = Image.fromarray(marked)
        pen = ImageDraw.Draw(image)
        for role, of_role in boxes.items():
            for box in of_role:
                draw_mark(pen, box, label, role, filled=not tinted)
        marked = np.array(image)
    return Marked(_with_lines(marked, picture, (LESION_COLOUR, EXCLUSION_COLOUR)), patch_side, side)
