"""Text on pictures, in the font of the plots."""

from functools import cache
from pathlib import Path

import matplotlib as mpl
from PIL import ImageFont


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return matplotlib's own font, which is the same on every machine.

    Args:
        size_px: Height of a line, px.
    """
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size_px)
