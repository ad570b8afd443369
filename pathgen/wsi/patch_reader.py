"""Read square patches of one slide, downsampled by exact averaging."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.wsi.jpeg_tiles import JpegTiles, find_jpeg_tiles
from pathgen.wsi.reader import open_slide
from pathgen.wsi.resample import shrink

Method = Literal["jpeg_tiles", "openslide"]
# Reads the square (x, y, side); returns its pixels, and whether a tile under it is missing.
_ReadSquare = Callable[[int, int, int], tuple[NDArray[np.uint8], bool]]

_WHITE = 255
# Patches are read in vertical strips of this width, row by row: neighbours share decoded tiles.
_STRIP_PX = 4096


@dataclass(frozen=True)
class PatchReading:
    """Patches of one slide, and how they were read.

    Attributes:
        images: uint8 of shape (n, out_px, out_px, 3), RGB, in the order of the places.
        method: Reader: ``"jpeg_tiles"`` (the file's JPEG tiles, decoded directly) or ``"openslide"``. Both
            give the same bytes.
        reason: Why the faster ``"jpeg_tiles"`` was not used, or None.
        incomplete: bool of shape (n,), in the same order: whether a level-0 tile under the patch is missing
            in the file (white in the image); None if unknown.
    """

    images: NDArray[np.uint8]
    method: Method
    reason: str | None
    incomplete: NDArray[np.bool_] | None


def read_patches(
    path: Path,
    places: NDArray[np.int64],
    out_px: int,
    *,
    mpp_if_missing: float | None,
    threads: int,
    cache_bytes: int = 1 << 24,
) -> PatchReading:
    """Read square patches of a slide.

    Slides with suitable JPEG tiles (`pathgen.wsi.jpeg_tiles`) are decoded directly, others are read by
    OpenSlide. Both use the same filter (`pathgen.wsi.resample.shrink`).

    Memory: the images (3 * n * out_px**2 bytes), and per thread `cache_bytes` or, for OpenSlide, its cache of
    32 MiB, and 8 bytes per level-0 pixel of a patch.

    Args:
        path: Path of the slide.
        places: int64 of shape (n, 3): left edge, top edge and side of each patch, level-0 px.
        out_px: Side of the images, px.
        mpp_if_missing: See `pathgen.wsi.reader.open_slide`.
        threads: Number of threads, at least 1. The images depend neither on it nor on the order or grouping
            of the places. More places per call are faster: they share one opened slide and decoded tiles.
        cache_bytes: Size of the decoded tiles that a thread keeps, at least one tile; it changes no image.

    Returns:
        Images, and how they were read.

    Raises:
        PathgenError: The slide cannot be opened, a square does not lie on it or has fewer pixels than
            asked for, or a place cannot be decoded.
    """
    with open_slide(path, mpp_if_missing) as slide:
        _check(path, slide.dimensions, places, out_px)
        tiles = find_jpeg_tiles(slide)
    images = np.empty((len(places), out_px, out_px, 3), dtype=np.uint8)
    incomplete = np.zeros(len(places), dtype=np.bool_)

    def read(numbers: NDArray[np.int64]) -> None:
        """Read some of the patches on a handle of their own."""
        squares = (
            _openslide_squares(path, mpp_if_missing)
            if isinstance(tiles, str)
            else _tile_squares(tiles, mpp_if_missing, cache_bytes)
        )
        with squares as read_square:
            for number in numbers.tolist():
                pixels, incomplete[number] = read_square(*places[number].tolist())
                images[number] = shrink(pixels, out_px)

    order = np.lexsort((places[:, 0], places[:, 1], places[:, 0] // _STRIP_PX))
    with ThreadPoolExecutor(threads) as pool:
        # `list` raises the first error.
        list(pool.map(read, [part for part in np.array_split(order, threads) if len(part)]))
    if isinstance(tiles, str):
        return PatchReading(images, "openslide", tiles, None)
    return PatchReading(images, "jpeg_tiles", None, incomplete)


def _check(path: Path, size: tuple[int, int], places: NDArray[np.int64], out_px: int) -> None:
    """Check that all places lie on the slide and have enough pixels."""
    width, height = size
    x, y, side = places.T
    outside = np.flatnonzero((x < 0) | (y < 0) | (x + side > width) | (y + side > height))
    if len(outside):
        first_x, first_y, first_side = places[outside[0]].tolist()
        raise PathgenError(
            path,
            f"the patch at ({first_x}, {first_y}) of {first_side} px is not on the slide "
            f"of {width} x {height} px",
            "The slide was changed after it was indexed: index it again",
        )
    if bool((side < out_px).any()):
        raise PathgenError(
            path,
            f"a patch has {side.min()} px at level 0, fewer than the {out_px} px of the output",
            "Make smaller patches, or leave out slides of so coarse a resolution",
        )


@contextmanager
def _openslide_squares(path: Path, mpp_if_missing: float | None) -> Iterator[_ReadSquare]:
    """Yield a function that reads a square by OpenSlide."""
    with open_slide(path, mpp_if_missing) as slide:
        yield lambda x, y, side: (slide.read_region_l0(x, y, side, side), False)


@contextmanager
def _tile_squares(tiles: JpegTiles, mpp_if_missing: float | None, cache_bytes: int) -> Iterator[_ReadSquare]:
    """Yield a function that assembles a square from tiles, and keeps those used last."""
    width, height = tiles.tile_size

    @lru_cache(maxsize=max(1, cache_bytes // (width * height * 3)))
    def decoded(tile: int) -> NDArray[np.uint8] | None:
        """Return a tile's pixels, or None for a missing tile."""
        if not tiles.counts[tile]:
            return None
        image = tiles.decode(stream, tile)
        if image is None:
            # OpenSlide ignores damage after the last pixel, and reports other damage.
            with open_slide(tiles.path, mpp_if_missing) as slide:
                return slide.read_region_l0(*tiles.corner(tile), width, height)
        return image

    def read_square(x: int, y: int, side: int) -> tuple[NDArray[np.uint8], bool]:
        square = np.full((side, side, 3), _WHITE, dtype=np.uint8)
        incomplete = False
        for row in range(y // height, (y + side - 1) // height + 1):
            for column in range(x // width, (x + side - 1) // width + 1):
                image = decoded(row * tiles.columns + column)
                if image is None:
                    incomplete = True
                    continue
                left, top = column * width - x, row * height - y  # of the tile, in px of the square
                # The usual patch lies within one tile: no copy.
                if max(left, top) <= 0 and left + width >= side and top + height >= side:
                    return image[-top : side - top, -left : side - left], False
                x0, y0 = max(left, 0), max(top, 0)
                x1, y1 = min(left + width, side), min(top + height, side)
                square[y0:y1, x0:x1] = image[y0 - top : y1 - top, x0 - left : x1 - left]
        return square, incomplete

    with tiles.path.open("rb", buffering=0) as stream:
        yield read_square
