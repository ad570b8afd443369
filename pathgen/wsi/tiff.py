"""Metadata of a TIFF file: layout, compression, and whether the file is complete."""

import logging
import struct
from dataclasses import dataclass
from pathlib import Path

import tifffile

from pathgen.core.errors import PathgenError

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF and BigTIFF, of either byte order
# Exceptions of tifffile on damaged files.
UNREADABLE = (tifffile.TiffFileError, OSError, ValueError, LookupError, struct.error)
# A damaged file is reported in one line, by the caller.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class TiffFacts:
    """The main image of a TIFF file.

    Attributes:
        tiled: Whether the pixels are stored in tiles (else in strips).
        tile_px: (width, height) of a tile, None when not tiled.
        compression: Compression as tifffile names it, e.g. ``"JPEG"``.
        whole: Whether every tile of every image in the file lies within the file.
        bits: Bits per channel.
        colour: Whether the channels are colours (or there is a palette), not levels of grey.
        full_images: Number of tiled images that are more than half as wide as the first, and not marked as
            its reduced copies.
    """

    tiled: bool
    tile_px: tuple[int, int] | None
    compression: str
    whole: bool
    bits: int
    colour: bool
    full_images: int


def is_tiff(path: Path) -> bool:
    """Return whether a file starts as a TIFF or BigTIFF."""
    with path.open("rb") as stream:
        return stream.read(4) in _MAGIC


def _page_is_whole(page: "tifffile.TiffPage", size: int) -> bool:
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) != len(counts):  # The list of tiles itself was cut off.
        return False
    return all(offset + count <= size for offset, count in zip(offsets, counts, strict=True))


def tiff_facts(path: Path) -> TiffFacts | None:
    """Read the metadata of a TIFF file without decoding pixels.

    Args:
        path: Any existing file.

    Returns:
        Facts of its first image, or None if it is not a TIFF.

    Raises:
        PathgenError: It starts as a TIFF but its directories cannot be read.
    """
    if not is_tiff(path):
        return None
    try:
        with tifffile.TiffFile(path) as tiff:
            first = tiff.pages.first
            size = path.stat().st_size
            pages = [page.aspage() for entry in tiff.pages for page in (entry, *(entry.pages or ()))]
            compression = first.compression
            grey = first.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE)
            return TiffFacts(
                tiled=bool(first.is_tiled),
                tile_px=(int(first.tilewidth), int(first.tilelength)) if first.is_tiled else None,
                compression=str(getattr(compression, "name", f"code {int(compression)}")),
                whole=all(_page_is_whole(page, size) for page in pages),
                bits=int(first.bitspersample),
                colour=not grey,
                full_images=sum(
                    page.is_tiled and not page.is_reduced and 2 * page.imagewidth > first.imagewidth
                    for page in pages
                ),
            )
    except UNREADABLE as problem:
        raise PathgenError(
            path, f"damaged or truncated TIFF: {problem}", "Copy it again from its source"
        ) from None


def check_complete(path: Path) -> TiffFacts | None:
    """Check that all tiles of a TIFF lie within the file.

    Args:
        path: Any existing file; other formats pass.

    Returns:
        What `tiff_facts` returns.

    Raises:
        PathgenError: It is truncated or its directories cannot be read.
    """
    facts = tiff_facts(path)
    if facts is not None and not facts.whole:
        raise PathgenError(path, "truncated: tiles lie past the end of the file", "Copy it again")
    return facts


def check_pixels(path: Path, facts: TiffFacts, *, generic: bool) -> None:
    """Check that OpenSlide reads all that a TIFF holds, and that it holds a stained section.

    Args:
        path: The file, for messages.
        facts: Its metadata.
        generic: Whether OpenSlide reads it as a TIFF of no known scanner.

    Raises:
        PathgenError: It is greyscale, has other than 8 bits per channel, or, if generic, holds several images
            of full size.
    """
    if not facts.colour:
        reason = "is a greyscale image, not a stained section in colour"
        raise PathgenError(path, reason, "Add the scan in colour, or leave the slide out")
    if facts.bits != 8:
        dropped = ", of which OpenSlide reads the upper 8" if facts.bits > 8 else ""
        reason = f"has {facts.bits} bits per channel instead of 8{dropped}"
        raise PathgenError(path, reason, "Convert it to 8 bits, scaled to the range of its values")
    if generic and facts.full_images > 1:
        reason = f"holds {facts.full_images} images of full size, of which OpenSlide reads the first"
        hint = "Save one image per file, e.g. with: vips tiffsave in.tif out.tif --tile --pyramid"
        raise PathgenError(path, reason, hint)
