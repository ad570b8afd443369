"""Contact sheets of patches, and PNG files with the same bytes every time."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.files import atomic_path

_GAP_PX = 2
_WHITE = 255


def patch_grid(images: NDArray[np.uint8], columns: int, scale: int = 1) -> NDArray[np.uint8]:
    """Lay patches out in rows, left to right, on white.

    Args:
        images: Patches, uint8 of shape (N, H, W, 3), N >= 1.
        columns: Patches per row, at least 1.
        scale: Each pixel becomes a square of this side, in pixels, so that small patches can be seen.

    Returns:
        The sheet, uint8 of shape (height, width, 3); 2 px of white between neighbours, none at the rim.
    """
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    high, wide = height * scale, width * scale
    sheet = np.full(
        (rows * (high + _GAP_PX) - _GAP_PX, columns * (wide + _GAP_PX) - _GAP_PX, channels),
        _WHITE,
        dtype=np.uint8,
    )
    for number, image in enumerate(images):
        top = number // columns * (high + _GAP_PX)
        left = number % columns * (wide + _GAP_PX)
        sheet[top : top + high, left : left + wide] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return sheet


def save_png(image: NDArray[np.uint8], path: Path) -> None:
    """Write a picture as PNG, atomically.

    Args:
        image: The picture, uint8 of shape (H, W, 3).
        path: The file; missing parents are made.
    """
    with atomic_path(path) as draft:
        Image.fromarray(image).save(draft, format="PNG", compress_level=6)
