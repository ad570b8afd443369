"""Pictures as data URIs, so that a page needs no other file and no network."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from defusedxml import ElementTree
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path

_QUALITIES = (85, 70, 50, 30)
_PX_PER_PT = 96 / 72


@dataclass(frozen=True)
class Picture:
    """A picture for the page.

    Attributes:
        source: Data URI of a PNG, JPEG or SVG.
        alt: Text alternative.
        width: Width in pixels.
        height: Height in pixels.
        caption: Text below it; may be empty.
    """

    source: str
    alt: str
    width: int
    height: int
    caption: str = ""


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def svg_picture(figure: Figure, alt: str, caption: str = "") -> Picture:
    """Turn a plot into a picture, sized at 96 px per inch; equal plots give equal bytes."""
    width, height = figure.get_size_inches()
    source = _data_uri("image/svg+xml", svg_of(figure))
    return Picture(source, alt, round(width * 96), round(height * 96), caption)


def save_svg(figure: Figure, target: Path) -> None:
    """Write a plot as an SVG file, atomically; equal plots give equal bytes."""
    with atomic_path(target) as draft:
        draft.write_bytes(svg_of(figure))


def svg_of(figure: Figure) -> bytes:
    """Return a plot as SVG; equal plots give equal bytes."""
    buffer = io.BytesIO()
    # The salt fixes ids that are random otherwise; text as paths looks the same everywhere.
    with mpl.rc_context({"svg.hashsalt": "pathgen", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_picture(image: NDArray[np.uint8], alt: str, caption: str = "") -> Picture:
    """Turn RGB pixels, uint8 (H, W, 3), into an unscaled PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=6)
    return Picture(_data_uri("image/png", buffer.getvalue()), alt, image.shape[1], image.shape[0], caption)


def jpeg_picture(image: NDArray[np.uint8], at_most_bytes: int, alt: str, caption: str = "") -> Picture:
    """Turn RGB pixels, uint8 (H, W, 3), into an unscaled JPEG, for a page with many pictures.

    Args:
        image: Pixels.
        at_most_bytes: Size to reach by lowering the quality, which stays at least 30.
        alt: Text alternative.
        caption: Text below it.
    """
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="JPEG", quality=quality, subsampling=0, optimize=True)
        if buffer.tell() <= at_most_bytes:
            break
    return Picture(_data_uri("image/jpeg", buffer.getvalue()), alt, image.shape[1], image.shape[0], caption)


def open_picture(path: Path) -> Image.Image:
    """Open a PNG or JPEG file in RGB.

    Raises:
        PathgenError: The file is not a readable picture.
    """
    try:
        with Image.open(path) as opened:
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError) as problem:
        raise PathgenError(path, f"not readable as a picture: {problem}", "Run `dvc repro` again") from None


def read_picture(path: Path, max_side_px: int, alt: str, caption: str = "") -> Picture:
    """Read a picture file for the page, as PNG.

    Args:
        path: PNG or JPEG file.
        max_side_px: Larger pictures are scaled down to this side.
        alt: Text alternative.
        caption: Text below it.

    Raises:
        PathgenError: The file is not a readable picture.
    """
    image = open_picture(path)
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.BOX)
    return png_picture(np.asarray(image), alt, caption)


def read_svg(path: Path, alt: str, caption: str, hint: str) -> Picture:
    """Read a plot of `save_svg` for the page, with unchanged bytes.

    Args:
        path: SVG file with its size in pt.
        alt: Text alternative.
        caption: Text below it.
        hint: Remedy for an unreadable file, for the error message.

    Raises:
        PathgenError: The file is missing or not such a plot.
    """
    try:
        content = path.read_bytes()
        size = ElementTree.fromstring(content).attrib
        width_px, height_px = (
            round(float(size[side].removesuffix("pt")) * _PX_PER_PT) for side in ("width", "height")
        )
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    except (ElementTree.ParseError, KeyError, ValueError):
        raise PathgenError(path, "is not an SVG plot with a size in pt", hint) from None
    return Picture(_data_uri("image/svg+xml", content), alt, width_px, height_px, caption)
