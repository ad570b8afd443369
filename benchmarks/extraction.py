"""Compare the extraction of patches with a loop over ``read_region`` and with decoding alone."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import tifffile
from numpy.typing import NDArray

from benchmarks.harness import Contender, Steps, in_rounds, report
from benchmarks.patches import PIECE_PX, Images, tissue
from pathgen.patches.store import write_patch_set
from pathgen.wsi.geometry import grid_positions
from pathgen.wsi.jpeg_tiles import JpegTiles, find_jpeg_tiles
from pathgen.wsi.patch_reader import read_patches
from pathgen.wsi.reader import open_slide

TILE_PX, OUT_PX, WORKERS = 512, 64, 4
BEST, LOOP = f"read and store, {WORKERS} threads", "read_region in a loop"
POOL = f"read_region in {WORKERS} processes"
Places = NDArray[np.int64]


def write_mosaic(path: Path, side_px: int) -> None:
    """Write a slide of JPEG tiles, each of four pieces of tissue drawn at random."""
    rng, pieces = np.random.default_rng(1), tissue()

    def tiles() -> Iterator[Images]:
        for _ in range((side_px // TILE_PX) ** 2):
            one, two, three, four = pieces[rng.integers(0, len(pieces), 4)]
            yield np.block([[[one], [two]], [[three], [four]]])

    tifffile.imwrite(
        path,
        tiles(),
        bigtiff=True,
        shape=(side_px, side_px, 3),
        dtype=np.uint8,
        tile=(TILE_PX, TILE_PX),
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 85, "outcolorspace": "ycbcr"},
        resolution=(1e4 / 0.25, 1e4 / 0.25),
        resolutionunit="CENTIMETER",
        metadata=None,
    )


def repeat(places: Places, work: Callable[[], object]) -> Steps:
    """Yield 0 when all is prepared, then call `work` for all patches and yield their number, without end."""
    yield 0
    while True:
        work()
        yield len(places)


def read_region_loop(slide_path: Path, places: Places) -> None:
    """Read, resize and store patch by patch."""
    with openslide.OpenSlide(slide_path) as slide:
        for x, y, side in places.tolist():
            region = slide.read_region((x, y), 0, (side, side)).convert("RGB")
            region.resize((OUT_PX, OUT_PX)).save(slide_path.parent / f"{x}_{y}.png")


def read_region_pool(slide_path: Path, places: Places) -> Steps:
    """Run the loop in several processes."""
    with ProcessPoolExecutor(WORKERS) as pool:
        read = partial(read_region_loop, slide_path)
        list(pool.map(read, np.array_split(places[: 4 * WORKERS], WORKERS)))  # starts the processes
        yield from repeat(places, lambda: list(pool.map(read, np.array_split(places, 4 * WORKERS))))


def read(slide_path: Path, places: Places) -> Steps:
    """Read with pathgen on one thread and keep nothing."""
    return repeat(places, lambda: read_patches(slide_path, places, OUT_PX, mpp_if_missing=None, threads=1))


def read_and_store(slide_path: Path, places: Places, threads: int) -> Steps:
    """Read with pathgen and write a patch set."""

    def work() -> None:
        images = read_patches(slide_path, places, OUT_PX, mpp_if_missing=None, threads=threads).images
        index = pd.DataFrame({"item": np.arange(len(places)), "label": "normal"})
        write_patch_set(slide_path.parent / f"set{threads}", index, OUT_PX, [images])

    return repeat(places, work)


def decode(slide_path: Path, places: Places, threads: int) -> Steps:
    """Decode every tile under the patches once, which every reader must do."""
    with open_slide(slide_path) as slide:
        tiles = find_jpeg_tiles(slide)
    assert isinstance(tiles, JpegTiles), tiles
    columns, rows = (places[:, :2] // TILE_PX).T  # a patch of the grid lies within one tile
    numbers = np.array_split(np.unique(rows * tiles.columns + columns), threads)

    def part(numbers: NDArray[np.int64]) -> None:
        with tiles.path.open("rb", buffering=0) as stream:
            for tile in numbers.tolist():
                assert tiles.decode(stream, tile) is not None

    with ThreadPoolExecutor(threads) as pool:
        yield from repeat(places, lambda: list(pool.map(part, numbers)))


# `side` is a multiple of TILE_PX.
def main(side: int = 20_480, patches: int = 6400, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "slide.tif")
        write_mosaic(path, side)
        corners = grid_positions(side, side, PIECE_PX, PIECE_PX)
        places = np.hstack([corners, np.full((len(corners), 1), PIECE_PX)])[:patches]
        contenders: dict[str, Contender] = {
            "decode only, 1 thread": partial(decode, path, places, 1),
            "read only, 1 thread": partial(read, path, places),
            "read and store, 1 thread": partial(read_and_store, path, places, 1),
            f"decode only, {WORKERS} threads": partial(decode, path, places, WORKERS),
            BEST: partial(read_and_store, path, places, WORKERS),
            LOOP: partial(repeat, places, partial(read_region_loop, path, places)),
            POOL: partial(read_region_pool, path, places),
        }
        measured = in_rounds(contenders, "patches", rounds=rounds, seconds=0.0, warm_up=1)
    ratios = {
        "vs_naive": measured.ratio(BEST, LOOP),
        "vs_naive_cpu": measured.cpu_ratio(BEST, LOOP),
        "vs_naive_pool": measured.ratio(BEST, POOL),
        "of_decode_limit": measured.ratio(BEST, f"decode only, {WORKERS} threads"),
        "of_decode_limit_cpu": measured.cpu_ratio("read only, 1 thread", "decode only, 1 thread"),
    }
    report(measured.results(), ratios)
