"""What stands below a slide's picture: its name, a scale bar, and what the lines and signs mean."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.survey.patch_overlay import Marked, draw_mark, has_colour
from pathgen.survey.text import font
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_WORDS
from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, TISSUE_COLOUR, Colour

_TEXT_PX = 15
_LINE_PX = 25
_MARGIN_PX = 10
_SIGN_PX = 15
_GAP_PX = 24
# Narrower pictures get white beside them, so that the text below has room.
_LEAST_WIDTH_PX = 640
_INK: Colour = (20, 20, 20)
_BAR_LENGTHS_MM = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class _Entry:
    """A sign and what it means: a line's colour, or class and role of a patch, or neither."""

    words: str
    line: Colour | None = None
    mark: tuple[str, str] | None = None

    def width(self) -> int:
        """Width on the picture, px."""
        sign = 0 if self.line is None and self.mark is None else _SIGN_PX + 7
        return sign + round(font(_TEXT_PX).getlength(self.words))


def scale_bar_mm(width_mm: float) -> float:
    """Return the longest of the usual lengths that is at most a third of the picture's width, mm."""
    fitting = [length for length in _BAR_LENGTHS_MM if length <= width_mm / 3]
    return fitting[-1] if fitting else _BAR_LENGTHS_MM[0]


def _patch_entries(patches: pd.DataFrame, marked: Marked) -> list[_Entry]:
    if len(patches) == 0:
        return [_Entry("No patch was drawn from this slide.")]
    entries = []
    for label in LABELS:
        for role in ROLES:
            count = int(((patches["label"] == label) & (patches["role"] == role)).sum())
            if count:
                entries.append(
                    _Entry(f"{LABEL_WORDS[label]}, {ROLE_WORDS[role]}: {count:,}", mark=(label, role))
                )
    if round(marked.mark_px) > round(marked.patch_px):
        entries.append(_Entry(f"(a patch is {marked.patch_px:.1f} px wide here; the marks are larger)"))
    elif round(marked.mark_px) < round(marked.patch_px):
        ratio = marked.patch_px / marked.mark_px
        entries.append(_Entry(f"(patches overlap: each is {ratio:.1f} times as wide as its mark)"))
    return entries


def _outline_entries(picture: NDArray[np.uint8]) -> list[_Entry]:
    lines = (("tissue", TISSUE_COLOUR), ("lesion", LESION_COLOUR), ("exclusion", EXCLUSION_COLOUR))
    return [
        _Entry(f"outline of {word}", line=colour)
        for word, colour in lines
        if has_colour(picture, colour).any()
    ]


def _rows(entries: Sequence[_Entry], width: int) -> list[list[_Entry]]:
    """Break entries into lines of text."""
    rows: list[list[_Entry]] = [[]]
    used = 0
    for entry in entries:
        if rows[-1] and used + entry.width() > width:
            rows.append([])
            used = 0
        rows[-1].append(entry)
        used += entry.width() + _GAP_PX
    return rows


def _draw_line(pen: ImageDraw.ImageDraw, left: int, middle: int, colour: Colour) -> None:
    if colour == TISSUE_COLOUR:
        pen.line((left, middle, left + _SIGN_PX, middle), fill=colour, width=1)
    elif colour == LESION_COLOUR:
        pen.line((left, middle, left + _SIGN_PX, middle), fill=colour, width=3)
    else:
        for start in (left, left + 9):
            pen.line((start, middle, start + 5, middle), fill=colour, width=2)


def with_legend(
    outlined: NDArray[np.uint8], marked: Marked, patches: pd.DataFrame, title: str, width_mm: float | None
) -> NDArray[np.uint8]:
    """Put title, scale bar and legend below a slide's picture.

    Args:
        outlined: The picture before marks were drawn; says which outlines there are.
        marked: The picture with its marks.
        patches: The patches on it, with ``label`` and ``role``.
        title: The slide's name and what it is.
        width_mm: Width of the whole slide; None when unknown, then there is no scale bar.

    Returns:
        uint8 of shape (h + text, W, 3); W is w, or more where the text needs it.
    """
    height, width = marked.picture.shape[:2]
    # A long name must not be cut off.
    titled = round(font(_TEXT_PX).getlength(title)) + 2 * _MARGIN_PX
    full = max(width, _LEAST_WIDTH_PX, titled)
    rows = _rows([*_patch_entries(patches, marked), *_outline_entries(outlined)], full - 2 * _MARGIN_PX)
    below = _LINE_PX * (len(rows) + (1 if width_mm is None else 2)) + 2 * _MARGIN_PX
    sheet = Image.new("RGB", (full, height + below), (255, 255, 255))
    sheet.paste(Image.fromarray(marked.picture), (0, 0))
    pen = ImageDraw.Draw(sheet)
    pen.line((0, height, full, height), fill=(190, 190, 190))
    middle = height + _MARGIN_PX + _LINE_PX // 2
    pen.text((_MARGIN_PX, middle), title, fill=_INK, font=font(_TEXT_PX), anchor="lm")
    middle += _LINE_PX
    if width_mm is not None:
        length_mm = scale_bar_mm(width_mm)
        end = _MARGIN_PX + round(length_mm / width_mm * width)
        pen.line((_MARGIN_PX, middle, end, middle), fill=_INK, width=3)
        for x in (_MARGIN_PX, end):
            pen.line((x, middle - 5, x, middle + 5), fill=_INK)
        bar = f"{length_mm:g} mm" if length_mm >= 0.1 else f"{length_mm * 1000:g} µm"
        pen.text((end + 8, middle), bar, fill=_INK, font=font(_TEXT_PX), anchor="lm")
        middle += _LINE_PX
    for row in rows:
        left = _MARGIN_PX
        for entry in row:
            _draw_entry(pen, entry, left, middle)
            left += entry.width() + _GAP_PX
        middle += _LINE_PX
    return np.asarray(sheet, dtype=np.uint8)


def mark_sign(label: str, role: str) -> NDArray[np.uint8]:
    """Return the sign of a class and role alone, uint8 of shape (15, 15, 3)."""
    sign = Image.new("RGB", (_SIGN_PX, _SIGN_PX), (255, 255, 255))
    draw_mark(ImageDraw.Draw(sign), (0, 0, _SIGN_PX - 1, _SIGN_PX - 1), label, role, filled=True)
    return np.asarray(sign, dtype=np.uint8)


def _draw_entry(pen: ImageDraw.ImageDraw, entry: _Entry, left: int, middle: int) -> None:
    text = left
    if entry.line is not None:
        _draw_line(pen, left, middle, entry.line)
        text += _SIGN_PX + 7
    if entry.mark is not None:
        top = middle - _SIGN_PX // 2
        draw_mark(pen, (left, top, left + _SIGN_PX - 1, top + _SIGN_PX - 1), *entry.mark, filled=True)
        text += _SIGN_PX + 7
    pen.text((text, middle), entry.words, fill=_INK, font=font(_TEXT_PX), anchor="lm")
