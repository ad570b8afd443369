"""Read square patches of one slide, downsampled by exact averaging."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.wsi.jpeg_tiles import find_jpeg_tiles
from pathgen.wsi.reader import open_slide
from pathgen.wsi.resample import shrink
from pathgen.wsi.tiled_patches import Limits, by_block, read_tiled_patches

Method = Literal["jpeg_tiles", "openslide"]


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
    path: Path, places: NDArray[np.int64], out_px: int, *, mpp_if_missing: float | None, threads: int
) -> PatchReading:
    """Read square patches of a slide.

    Slides with suitable JPEG tiles (`pathgen.wsi.jpeg_tiles`) are decoded directly, others are read by
    OpenSlide. Both use the same filter (`pathgen.wsi.resample.shrink`).

    Memory: the images (3 * n * out_px**2 bytes), and that of
    `pathgen.wsi.tiled_patches.read_tiled_patches`; for OpenSlide, per thread, its cache of 32 MiB and 8 bytes
    per level-0 pixel of a patch.

    Args:
        path: Path of the slide.
        places: int64 of shape (n, 3): left edge, top edge and side of each patch, level-0 px.
        out_px: Side of the images, px.
        mpp_if_missing: See `pathgen.wsi.reader.open_slide`.
        threads: Number of threads, at least 1. The images depend neither on it nor on the order or grouping
            of the places. More places per call are faster: they share one opened slide and decoded tiles.

    Returns:
        Images, and how they were read.

    Raises:
        PathgenError: The slide cannot be opened, a square does not lie on it or has fewer pixels than
            asked for, or a place cannot be decoded.
    """
    with open_slide(path, mpp_if_missing) as slide:
        _check(path, slide.dimensions, places, out_px)
        tiles = find_jpeg_tiles(slide)
    if isinstance(tiles, str):
        images = _read_by_openslide(path, places, out_px, mpp_if_missing, threads)
        return PatchReading(images, "openslide", tiles, None)

    def read_region(x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        with open_slide(path, mpp_if_missing) as again:
            return again.read_region_l0(x, y, width, height)

    images, incomplete = read_tiled_patches(tiles, places, out_px, read_region, threads)
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


def _read_by_openslide(
    path: Path, places: NDArray[np.int64], out_px: int, mpp_if_missing: float | None, threads: int
) -> NDArray[np.uint8]:
    """Read patches with one OpenSlide handle per thread, each in its own part of the slide."""
    images = np.empty((len(places), out_px, out_px, 3), dtype=np.uint8)
    order = np.concatenate(
        [np.zeros(0, np.int64), *by_block(places, np.arange(len(places)), Limits().block_px)]
    )
    bands = [band for band in np.array_split(order, threads) if len(band)]

    def read(band: NDArray[np.int64]) -> None:
        with open_slide(path, mpp_if_missing) as slide:
            for number in band.tolist():
                x, y, side = places[number].tolist()
                images[number] = shrink(slide.read_region_l0(x, y, side, side), out_px)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, bands))
    return images
