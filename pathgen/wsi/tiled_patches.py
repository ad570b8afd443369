"""Assemble patches from a slide's JPEG tiles, in several threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pathgen.wsi.jpeg_tiles import JpegTiles
from pathgen.wsi.resample import block_means, shrink, working_memory

# Reads a rectangle (x, y, width, height) of level 0 by other means, or raises.
ReadRegion = Callable[[int, int, int, int], NDArray[np.uint8]]

_WHITE = 255


@dataclass(frozen=True)
class Limits:
    """Bounds on memory and on the work of one task; they change no pixel.

    Attributes:
        pairs: Number of pairs of a patch and a tile under it that are listed at once, 16 bytes each.
        tiles_per_task: Number of tiles that a task decodes.
        block_px: Side of a block of the slide, level-0 px; a task assembles its patches from whole tiles.
        cache_bytes: Size of the decoded tiles that such a task keeps.
    """

    pairs: int = 1 << 22
    tiles_per_task: int = 16
    block_px: int = 4096
    cache_bytes: int = 1 << 26


@dataclass(frozen=True)
class _Call:
    """State shared by all tasks of one call."""

    tiles: JpegTiles
    places: NDArray[np.int64]
    images: NDArray[np.uint8]
    read_region: ReadRegion
    limits: Limits

    def pixels(self, stream: BinaryIO, tile: int, scratch: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return a tile's pixels, or None for a missing tile."""
        if not self.tiles.counts[tile]:
            return None
        image = self.tiles.decode(stream, tile, scratch)
        if image is None:
            # OpenSlide ignores damage after the last pixel, and reports other damage.
            return self.read_region(*self.tiles.corner(tile), *self.tiles.tile_size)
        return image


def read_tiled_patches(
    tiles: JpegTiles,
    places: NDArray[np.int64],
    out_px: int,
    read_region: ReadRegion,
    threads: int,
    limits: Limits = Limits(),
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read patches from a slide's tiles.

    If all averaged blocks of pixels lie within tiles (the usual grid), each tile is decoded once, averaged,
    and its parts are copied into the images. Otherwise patches are assembled from whole tiles and then
    downsampled; neighbours share tiles through a bounded cache.

    Memory beyond the images: 16 bytes per tile of level 0 and per pair of a patch and a tile under it (at
    most 64 MiB of pairs at a time); and per thread two decoded tiles, or, for assembled patches, 64 MiB
    (or the tiles under one patch if they are more) and two patches at level 0. A tile has at most 64 MiB.

    Args:
        tiles: Tiles of the slide.
        places: int64 of shape (n, 3): left edge, top edge, side, level-0 px; wholly on the slide.
        out_px: Side of the images, at most every place's side.
        read_region: Reads a tile that the decoder refuses, or raises the error of the damage.
        threads: Number of threads.
        limits: Bounds on memory.

    Returns:
        uint8 of shape (n, out_px, out_px, 3), and bool of shape (n,): whether a tile under the patch
        is missing in the file (white in the image).

    Raises:
        PathgenError: A tile under the patches is stored but cannot be decoded.
    """
    images = np.empty((len(places), out_px, out_px, 3), dtype=np.uint8)
    call = _Call(tiles, places, images, read_region, limits)
    incomplete = np.zeros(len(places), dtype=np.bool_)
    in_tiles = _blocks_fit(tiles, places, out_px)
    with ThreadPoolExecutor(threads) as pool:
        for numbers in _portions(tiles, places, limits.pairs):
            tile_of, place_of = _pairs(tiles, places, numbers)
            incomplete[place_of[tiles.counts[tile_of] == 0]] = True
            # `list` raises the first error and cancels the remaining tasks.
            if in_tiles:
                list(
                    pool.map(lambda task: _cut(call, task), _tasks(tile_of, place_of, limits.tiles_per_task))
                )
            else:
                list(
                    pool.map(lambda block: _assemble(call, block), by_block(places, numbers, limits.block_px))
                )
    return images, incomplete


def _spans(tiles: JpegTiles, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 of shape (n, 4): first column, first row, columns and rows of tiles under each place."""
    corners, sides = places[:, :2], places[:, 2:]
    first = corners // tiles.tile_size
    return np.hstack([first, (corners + sides - 1) // tiles.tile_size - first + 1])


def _portions(tiles: JpegTiles, places: NDArray[np.int64], max_pairs: int) -> list[NDArray[np.int64]]:
    """Split the places, in slide order, into portions with a bounded number of pairs."""
    spans = _spans(tiles, places)
    order = np.lexsort((spans[:, 0], spans[:, 1]))
    before = np.cumsum(spans[order, 2] * spans[order, 3]) // max_pairs
    return [numbers for numbers in np.split(order, np.flatnonzero(np.diff(before)) + 1) if len(numbers)]


def _pairs(
    tiles: JpegTiles, places: NDArray[np.int64], numbers: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List every pair of a place and a tile under it: tile numbers and place numbers, by tile, then place."""
    first_column, first_row, columns, rows = _spans(tiles, places[numbers]).T
    count = columns * rows
    which = np.repeat(np.arange(len(numbers)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    row = first_row[which] + within // columns[which]
    tile = row * tiles.columns + first_column[which] + within % columns[which]
    place = numbers[which]
    order = np.lexsort((place, tile))
    return tile[order], place[order]


def _blocks_fit(tiles: JpegTiles, places: NDArray[np.int64], out_px: int) -> bool:
    """Return whether all blocks of pixels that become one pixel lie within tiles."""
    factor, rest = np.divmod(places[:, 2:], out_px)
    fits = (rest == 0) & (places[:, :2] % factor == 0) & (np.array(tiles.tile_size) % factor == 0)
    return bool(fits.all())


def _tasks(
    tile_of: NDArray[np.int64], place_of: NDArray[np.int64], tiles: int
) -> list[list[tuple[int, NDArray[np.int64]]]]:
    """Group the pairs by tile, and neighbouring tiles into tasks."""
    starts = np.flatnonzero(np.diff(tile_of, prepend=-1)).tolist()
    groups = [(int(tile_of[start]), place_of[start:end]) for start, end in pairwise([*starts, len(tile_of)])]
    return [groups[start : start + tiles] for start in range(0, len(groups), tiles)]


def by_block(places: NDArray[np.int64], numbers: NDArray[np.int64], block_px: int) -> list[NDArray[np.int64]]:
    """Group places by the block of the slide in which they start, so that neighbours are read together.

    Args:
        places: int64 of shape (n, 3): left edge, top edge, side, level-0 px.
        numbers: Indices of the places, int64 of shape (k,).
        block_px: Side of a block, level-0 px.

    Returns:
        Indices per block in slide order, row by row within a block.
    """
    x, y = places[numbers, :2].T
    order = np.lexsort((x, y, x // block_px, y // block_px))
    blocks = places[numbers[order], :2] // block_px
    starts = np.flatnonzero((np.diff(blocks, axis=0) != 0).any(axis=1)) + 1
    return [block for block in np.split(numbers[order], starts) if len(block)]


def _cut(call: _Call, task: Iterable[tuple[int, NDArray[np.int64]]]) -> None:
    """Decode tiles and copy their parts into the images."""
    scratch = call.tiles.scratch()
    memory = working_memory(scratch.size)
    with call.tiles.path.open("rb", buffering=0) as stream:
        for tile, numbers in task:
            image = call.pixels(stream, tile, scratch)
            wanted = [
                (number, *place)
                for number, place in zip(numbers.tolist(), call.places[numbers].tolist(), strict=True)
            ]
            for side in {place[3] for place in wanted}:
                _put(call, tile, image, memory, [place[:3] for place in wanted if place[3] == side], side)


def _put(
    call: _Call,
    tile: int,
    image: NDArray[np.uint8] | None,
    memory: NDArray[np.uint16],
    wanted: list[tuple[int, int, int]],
    side: int,
) -> None:
    """Average the part of a tile under patches (number, x, y) of one size; copy it into their images."""
    factor = side // call.images.shape[1]
    left, top = call.tiles.corner(tile)
    right, bottom = left + call.tiles.tile_size[0], top + call.tiles.tile_size[1]
    # Smallest rectangle of the tile that covers all patches, level-0 px.
    x0 = max(left, min(x for _, x, _ in wanted))
    y0 = max(top, min(y for _, _, y in wanted))
    x1 = min(right, max(x for _, x, _ in wanted) + side)
    y1 = min(bottom, max(y for _, _, y in wanted) + side)
    means = None
    if image is not None:
        means = block_means(image[y0 - top : y1 - top, x0 - left : x1 - left], factor, memory)
    for number, x, y in wanted:
        columns, rows = (
            (max(x, left), min(x + side, right)),
            (max(y, top), min(y + side, bottom)),
        )
        into = call.images[number, _part(rows, y, factor), _part(columns, x, factor)]
        into[...] = _WHITE if means is None else means[_part(rows, y0, factor), _part(columns, x0, factor)]


def _part(extent: tuple[int, int], origin: int, factor: int) -> slice:
    """Convert an extent of level 0 to a slice of an image that starts at `origin`."""
    return slice((extent[0] - origin) // factor, (extent[1] - origin) // factor)


def _assemble(call: _Call, numbers: NDArray[np.int64]) -> None:
    """Assemble patches from whole tiles, then downsample them."""
    tiles = call.tiles
    width, height = tiles.tile_size
    cache: dict[int, NDArray[np.uint8] | None] = {}
    with tiles.path.open("rb", buffering=0) as stream:
        for number in numbers.tolist():
            x, y, side = call.places[number].tolist()
            patch = np.full((side, side, 3), _WHITE, dtype=np.uint8)
            under, _ = _pairs(tiles, call.places, np.array([number]))
            room = max(len(under), call.limits.cache_bytes // (width * height * 3))
            for tile in under.tolist():
                # Reinserted: the first in the cache is the least recently used.
                image = cache.pop(tile) if tile in cache else call.pixels(stream, tile, tiles.scratch())
                cache[tile] = image
                if len(cache) > room:
                    del cache[next(iter(cache))]
                if image is not None:
                    left, top = tiles.corner(tile)
                    x0, y0 = max(x, left), max(y, top)
                    x1, y1 = min(x + side, left + width), min(y + side, top + height)
                    patch[y0 - y : y1 - y, x0 - x : x1 - x] = image[
                        y0 - top : y1 - top, x0 - left : x1 - left
                    ]
            call.images[number] = shrink(patch, call.images.shape[1])
