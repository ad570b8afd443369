"""The JPEG tiles of a slide's level 0, decoded without OpenSlide's compositing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import simplejpeg
import tifffile
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.wsi.reader import Slide
from pathgen.wsi.tiff import UNREADABLE, is_tiff

# Formats whose level 0 is one plain grid of tiles. Others move or stitch tiles, or are no TIFF.
_PLAIN_FORMATS = frozenset({"aperio", "generic-tiff", "philips"})
_PHOTOMETRIC_RGB, _PHOTOMETRIC_YCBCR = 2, 6
_JPEG = 7
_CHECKED_TILES = 5
_CHECKED_PX = 512


@dataclass(frozen=True)
class JpegTiles:
    """Positions of the tiles of level 0 in the file, and how to decode them.

    Tiles are numbered row by row from the top left one.

    Attributes:
        path: Path of the slide.
        size: (width, height) of level 0, px.
        tile_size: (width, height) of a tile, px. Tiles at the right and lower edge reach beyond the slide.
        offsets: int64 of shape (rows * columns,): first byte of each tile in the file.
        counts: int64 of shape (rows * columns,): length of each tile in bytes; 0 if the tile is missing.
        head: Start of each tile's stream: colour model of the TIFF, and shared JPEG tables.
    """

    path: Path
    size: tuple[int, int]
    tile_size: tuple[int, int]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    head: bytes

    @property
    def columns(self) -> int:
        """Number of tiles per row."""
        return -(-self.size[0] // self.tile_size[0])

    @property
    def rows(self) -> int:
        """Number of rows of tiles."""
        return -(-self.size[1] // self.tile_size[1])

    def corner(self, tile: int) -> tuple[int, int]:
        """Return the top left corner (x, y) of a tile, level-0 px."""
        row, column = divmod(tile, self.columns)
        return column * self.tile_size[0], row * self.tile_size[1]

    def decode(self, stream: BinaryIO, tile: int) -> NDArray[np.uint8] | None:
        """Decode a stored tile.

        Args:
            stream: Slide file, open for reading; its position changes.
            tile: Number of a stored tile.

        Returns:
            uint8 of shape (tile height, tile width, 3), RGB; None for a damaged tile or one of another size.
        """
        stream.seek(int(self.offsets[tile]))
        stored = stream.read(int(self.counts[tile]))
        room = np.empty(self.tile_size[0] * self.tile_size[1] * 3, dtype=np.uint8)
        try:
            # Strict: a damaged stream may decode to grey or noise with only a warning.
            image: NDArray[np.uint8] = simplejpeg.decode_jpeg(
                self.head + stored[2:], buffer=room, strict=True
            )
        except ValueError:
            return None
        return image if image.shape == (self.tile_size[1], self.tile_size[0], 3) else None


def find_jpeg_tiles(slide: Slide, max_tile_bytes: int = 1 << 26) -> JpegTiles | str:
    """Find out whether level 0 can be decoded tile by tile to the same pixels as OpenSlide's.

    The file must be a TIFF whose tiles OpenSlide does not modify: JPEG, 8-bit RGB or YCbCr, one plain grid of
    the size of level 0. Then up to seven stored tiles, spread over the slide and at its right and lower
    edges, and one missing tile are compared with OpenSlide, at most 512 px of each. No colour profile is
    applied, as in OpenSlide.

    Args:
        slide: The open slide.
        max_tile_bytes: Largest size of a tile, stored or decoded; tiles are decoded whole.

    Returns:
        The tiles, or a short reason why they cannot be decoded directly.
    """
    if slide.vendor not in _PLAIN_FORMATS or not is_tiff(slide.path):
        return f"slides of the format {slide.vendor} are read by OpenSlide"
    try:
        with tifffile.TiffFile(slide.path) as tiff:
            page = tiff.pages.first
            reason = next(_objections(tiff, page, slide.dimensions, max_tile_bytes), None)
            if reason is not None:
                return reason
            tiles = JpegTiles(
                path=slide.path,
                size=slide.dimensions,
                tile_size=(int(page.tilewidth), int(page.tilelength)),
                offsets=np.asarray(page.dataoffsets, dtype=np.int64),
                counts=np.asarray(page.databytecounts, dtype=np.int64),
                head=_stream_head(int(page.photometric), page.jpegtables),
            )
    except UNREADABLE as problem:
        return f"tifffile cannot read the TIFF: {problem}"
    if not len(tiles.offsets) == len(tiles.counts) == tiles.rows * tiles.columns:
        return f"it lists {len(tiles.offsets)} tiles instead of {tiles.columns} x {tiles.rows}"
    if tiles.counts.max() > max_tile_bytes:
        return f"a tile has {tiles.counts.max()} bytes"
    return _difference(tiles, slide) or tiles


def _objections(
    tiff: tifffile.TiffFile, page: tifffile.TiffPage, size: tuple[int, int], max_tile_bytes: int
) -> Iterator[str]:
    """Yield reasons why a TIFF's first image is not a plain grid of JPEG tiles."""
    if not page.is_tiled:
        yield "level 0 is not stored in tiles"
    if int(page.compression) != _JPEG:
        yield f"level 0 is compressed as {getattr(page.compression, 'name', page.compression)}, not JPEG"
    if int(page.photometric) not in (_PHOTOMETRIC_RGB, _PHOTOMETRIC_YCBCR):
        yield f"its colours are {getattr(page.photometric, 'name', page.photometric)}, not RGB or YCbCr"
    layout = (page.bitspersample, page.samplesperpixel, int(page.planarconfig), int(page.fillorder))
    if layout != (8, 3, 1, 1) or page.extrasamples or page.imagedepth != 1:
        yield "its pixels are not three interleaved channels of 8 bits"
    if page.tags.valueof("Orientation", 1) != 1:
        yield "its image is rotated"
    if (page.imagewidth, page.imagelength) != size:
        found = f"{page.imagewidth} x {page.imagelength}"
        yield f"the file's first image has {found} px, level 0 has {size[0]} x {size[1]}"
    pages = [other.aspage() for other in tiff.pages]
    if sum((other.imagewidth, other.imagelength) == size for other in pages) > 1:
        yield "the file contains several images of the size of level 0"
    if page.tilewidth * page.tilelength * 3 > max_tile_bytes:
        yield f"its tiles of {page.tilewidth} x {page.tilelength} px are too large to be decoded whole"


def _stream_head(photometric: int, tables: bytes | None) -> bytes:
    """Return the start of a tile's stream, up to the tile's own first marker.

    In a TIFF, the colour model (RGB or YCbCr) is a TIFF tag and may be absent from the JPEG stream; a decoder
    of the stream would guess. Adobe's marker (APP14) adds it.
    """
    transform = bytes([1 if photometric == _PHOTOMETRIC_YCBCR else 0])
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + transform
    # The tables are a stream of their own: start-of-image, tables, end-of-image.
    return b"\xff\xd8" + adobe + (tables[2:-2] if tables else b"")


def tiles_to_check(tiles: JpegTiles) -> list[int]:
    """Choose tiles spread over the slide and at its edges, deterministically."""
    stored = np.flatnonzero(tiles.counts > 0)
    missing = np.flatnonzero(tiles.counts == 0)[:1]
    if len(stored) == 0:
        return [int(tile) for tile in missing]
    rows, columns = np.divmod(stored, tiles.columns)
    spread = stored[np.linspace(0, len(stored) - 1, _CHECKED_TILES).astype(np.int64)]
    at_right = stored[columns == columns.max()][-1]
    at_bottom = stored[rows == rows.max()][0]
    chosen = [*spread.tolist(), int(at_right), int(at_bottom), *missing.tolist()]
    return sorted(set(chosen))


def _difference(tiles: JpegTiles, slide: Slide) -> str | None:
    """Compare some tiles with OpenSlide; return the first difference, or None."""
    chosen = tiles_to_check(tiles)
    equal = 0
    with tiles.path.open("rb", buffering=0) as stream:
        for tile in chosen:
            x, y = tiles.corner(tile)
            width, height = (
                min(side, _CHECKED_PX, end - start)
                for side, end, start in zip(tiles.tile_size, tiles.size, (x, y), strict=True)
            )
            white = np.full((height, width, 3), 255, dtype=np.uint8)
            image = tiles.decode(stream, tile) if tiles.counts[tile] else white
            if image is None:  # Other tiles may be intact.
                continue
            try:
                region = slide.read_region_l0(x, y, width, height)
            except PathgenError:
                return f"OpenSlide cannot read its tile at ({x}, {y})"
            if not np.array_equal(image[:height, :width], region):
                return f"its tile at ({x}, {y}) decodes to other pixels than OpenSlide's"
            equal += bool(tiles.counts[tile])  # A missing tile does not test the decoder.
    return None if equal else "none of the tested tiles could be decoded"
