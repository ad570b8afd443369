"""Metadata of a TIFF file: layout, compression, and whether the file is complete."""

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import tifffile

from pathgen.core.errors import PathgenError

_MAGIC = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
# Exceptions of tifffile on damaged files.
UNREADABLE = (tifffile.TiffFileError, OSError, ValueError, LookupError, struct.error)


@dataclass(frozen=True)
class TiffFacts:
    """The main image of a TIFF file.

    Attributes:
        tiled: Whether the pixels are stored in tiles (else in strips).
        tile_px: (width, height) of a tile, None when not tiled.
        compression: Compression as tifffile names it, e.g. ``"JPEG"``.
        whole: Whether every tile of every image in the file lies within the file.
    """

    tiled: bool
    tile_px: tuple[int, int] | None
    compression: str
    whole: bool


def is_tiff(path: Path) -> bool:
    """Return whether a file starts as a TIFF or BigTIFF."""
    with path.open("rb") as stream:
        return stream.read(4) in _MAGIC


# Per thread: other threads enter and leave `without_log` meanwhile.
_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)
logging.getLogger("tifffile").addFilter(lambda _: not _is_silent.get())


@contextmanager
def without_log() -> Iterator[None]:
    """Suppress tifffile's log messages; the caller reports a damaged file in one line."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)


def _starts_within(path: Path) -> bool:
    """Return whether the first directory of a TIFF lies within the file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(16)
    order = _MAGIC[head[:4]]
    big = head[2 if order == "<" else 3] == ord("+")
    if len(head) < (16 if big else 8):
        return False
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    return bool(offset < size)


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
    if not _starts_within(path):
        raise PathgenError(path, "truncated: its directory lies past the end of the file", "Copy it again")
    try:
        with without_log(), tifffile.TiffFile(path) as tiff:
            first = tiff.pages.first
            size = path.stat().st_size
            pages = [page for entry in tiff.pages for page in (entry, *(entry.pages or ()))]
            compression = first.compression
            return TiffFacts(
                tiled=bool(first.is_tiled),
                tile_px=(int(first.tilewidth), int(first.tilelength)) if first.is_tiled else None,
                compression=str(getattr(compression, "name", f"code {int(compression)}")),
                whole=all(_page_is_whole(page.aspage(), size) for page in pages),
            )
    except UNREADABLE as problem:
        raise PathgenError(path, f"damaged TIFF: {problem}", "Copy it again from its source") from None


def check_complete(path: Path) -> None:
    """Check that all tiles of a TIFF lie within the file.

    Args:
        path: Any existing file; other formats pass.

    Raises:
        PathgenError: It is truncated or its directories cannot be read.
    """
    facts = tiff_facts(path)
    if facts is not None and not facts.whole:
        raise PathgenError(path, "truncated: tiles lie past the end of the file", "Copy it again")
