"""A patch as PNG."""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.export.format import EXPORT_AGAIN

# What Pillow raises on damaged pictures.
_UNREADABLE = (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)


def encode(image: NDArray[np.uint8]) -> bytes:
    """Return a patch, uint8 of shape (side, side, 3), as the bytes of a PNG file; without loss."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def decode(content: bytes, side_px: int, subject: object) -> NDArray[np.uint8]:
    """Return the pixels of a PNG file.

    Args:
        content: The file's bytes.
        side_px: What the side must be.
        subject: The file, for messages.

    Returns:
        uint8 of shape (side_px, side_px, 3).

    Raises:
        PathgenError: It is damaged, or another picture.
    """
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.load()
            mode, size, pixels = image.mode, image.size, np.asarray(image, dtype=np.uint8)
    except _UNREADABLE as problem:
        said = str(problem).partition(" <_io")[0]  # Pillow names the memory it read from
        raise PathgenError(subject, f"not readable as a PNG: {said}", EXPORT_AGAIN) from None
    if mode != "RGB" or size != (side_px, side_px):
        said = f"is {mode} of {size[0]} x {size[1]} px, not RGB of {side_px} x {side_px} px"
        raise PathgenError(subject, said, EXPORT_AGAIN)
    return pixels
