"""Patches out of a slide: our reader against the loop that everyone writes, and against decoding alone."""

import argparse
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import openslide
import pandas as pd
import tifffile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.measuring import Result, show
from pathgen.core.profiles import read_profile
from pathgen.patches.store import PatchSetWriter
from pathgen.phantom.dataset import SlidePlan, write_slide
from pathgen.phantom.settings import PhantomSettings
from pathgen.wsi.geometry import grid_positions
from pathgen.wsi.jpeg_tiles import JpegTiles, find_jpeg_tiles
from pathgen.wsi.patch_reader import read_patches
from pathgen.wsi.reader import open_slide

ROOT = Path(__file__).resolve().parents[1]
SIDE = 20_480
TILE, PIECE, OUT = 512, 256, 64
WORKERS = 4
ROUNDS = 3
BEST = f"read and store, {WORKERS} threads"
Images = NDArray[np.uint8]


def _pieces(folder: Path) -> tuple[str, list[Images]]:
    """Return 256 px pieces of tissue: published ones where a folder of real data is there, else phantom."""
    named = os.environ.get("PATHGEN_REAL_DATA")
    real = (Path(named) if named else ROOT.parent / "shared" / "data") / "camelyon16_patches_40x"
    files = sorted(real.rglob("*.png"))
    if files:
        return "real tissue", [np.asarray(Image.open(file).convert("RGB"), np.uint8) for file in files]
    size = 8 * PIECE
    plain = read_profile("phantom")["cohort"]["phantom"]
    changes = {"width_px": size, "height_px": size, "mpp": 0.25, "levels": 1, "tile_px": TILE}
    settings = PhantomSettings.model_validate({**plain, **changes, "tissue_share": 0.8})
    write_slide(folder, SlidePlan("bench", "phantom.tif", None), settings)
    picture = tifffile.imread(folder / "phantom.tif")
    blocks = picture.reshape(8, PIECE, 8, PIECE, 3).swapaxes(1, 2).reshape(64, PIECE, PIECE, 3)
    return "phantom tissue", [block for block in blocks if block.std() > 15]


def write_mosaic(path: Path, side: int, pieces: list[Images]) -> None:
    """Write a slide of JPEG tiles, each of four pieces drawn at random."""
    rng = np.random.default_rng(1)

    def tiles() -> Iterator[Images]:
        for _ in range((side // TILE) ** 2):
            one, two, three, four = (pieces[number] for number in rng.integers(0, len(pieces), 4))
            yield np.block([[[one], [two]], [[three], [four]]])

    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            tiles(),
            shape=(side, side, 3),
            dtype=np.uint8,
            tile=(TILE, TILE),
            photometric="rgb",
            compression="jpeg",
            compressionargs={"level": 85, "outcolorspace": "ycbcr"},
            resolution=(1e4 / 0.25, 1e4 / 0.25),
            resolutionunit="CENTIMETER",
            metadata=None,
        )


def naive(path: Path, folder: Path, places: NDArray[np.int64]) -> float:
    """Read, resize and store patch by patch; return the processor seconds."""
    before = time.process_time()
    with openslide.OpenSlide(path) as slide:
        for x, y, side in places.tolist():
            region = slide.read_region((x, y), 0, (side, side)).convert("RGB")
            region.resize((OUT, OUT)).save(folder / f"{x}_{y}.png")
    return time.process_time() - before


def pooled(pool: ProcessPoolExecutor, path: Path, folder: Path, places: NDArray[np.int64]) -> float:
    """Do the same in several processes."""
    return sum(pool.map(partial(naive, path, folder), np.array_split(places, 4 * WORKERS)))


def ours(path: Path, folder: Path, places: NDArray[np.int64], threads: int) -> float:
    """Read with our reader and write a patch set."""
    before = time.process_time()
    images = read_patches(path, places, OUT, mpp_if_missing=None, threads=threads).images
    with PatchSetWriter(folder / f"set{threads}", len(places), OUT) as writer:
        writer.append(images)
        writer.finish(pd.DataFrame({"item": np.arange(len(places)), "label": "normal"}))
    return time.process_time() - before


def only_read(path: Path, places: NDArray[np.int64]) -> float:
    """Read with our reader, and keep nothing."""
    before = time.process_time()
    read_patches(path, places, OUT, mpp_if_missing=None, threads=1)
    return time.process_time() - before


def decode(tiles: JpegTiles, wanted: NDArray[np.int64], threads: int) -> float:
    """Do what no reader can do without: decode every tile under the patches once."""
    before = time.process_time()

    def part(numbers: NDArray[np.int64]) -> None:
        scratch = tiles.scratch()
        with tiles.path.open("rb", buffering=0) as stream:
            for tile in numbers.tolist():
                assert tiles.decode(stream, tile, scratch) is not None

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, np.array_split(wanted, threads)))
    return time.process_time() - before


def _under(tiles: JpegTiles, places: NDArray[np.int64]) -> NDArray[np.int64]:
    columns, rows = (places[:, :2] // TILE).T  # a patch of the grid lies within one tile
    return np.unique(rows * tiles.columns + columns)


def measure(path: Path, folder: Path, places: NDArray[np.int64], rounds: int) -> dict[str, list[Result]]:
    """Time everything in turn, several rounds, so that a busy moment does not hit one of them alone."""
    with open_slide(path) as slide:
        tiles = find_jpeg_tiles(slide)
    assert isinstance(tiles, JpegTiles), tiles
    under = _under(tiles, places)
    found: dict[str, list[Result]] = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        pooled(pool, path, folder, places[: 4 * WORKERS])  # starts the processes
        work: dict[str, Callable[[], float]] = {
            "decode only, 1 thread": lambda: decode(tiles, under, 1),
            "read only, 1 thread": lambda: only_read(path, places),
            "read and store, 1 thread": lambda: ours(path, folder, places, 1),
            f"decode only, {WORKERS} threads": lambda: decode(tiles, under, WORKERS),
            BEST: lambda: ours(path, folder, places, WORKERS),
            "naive loop": lambda: naive(path, folder, places),
            f"naive loop, {WORKERS} processes": lambda: pooled(pool, path, folder, places),
        }
        for _ in range(rounds):
            for name, run in work.items():
                start = time.perf_counter()
                cpu = run()
                seconds = time.perf_counter() - start
                found.setdefault(name, []).append(Result(name, len(places) / seconds, "patches/s", cpu))
    return found


def measure_others(python: Path, path: Path, folder: Path, places: NDArray[np.int64]) -> list[Result]:
    """Time the toolkits of another environment (see `benchmarks.other_toolkits`), one thread each."""
    # histolab refuses patches that touch the right or the lower edge.
    places = places[(places[:, :2] + places[:, 2:] < places[:, :2].max() + PIECE).all(axis=1)]
    np.save(folder / "places.npy", places)
    script = ROOT / "benchmarks" / "other_toolkits.py"
    command = [python, script, path, folder / "places.npy", folder, str(OUT)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return [
        Result(name, len(places) / one["seconds"], "patches/s", one["cpu_s"]) for name, one in told.items()
    ]


def _ratios(found: dict[str, list[Result]]) -> dict[str, float]:
    """Compare within each round; of the rounds the middle one counts."""

    def faster(name: str, than: str) -> float:
        return median(one.value / two.value for one, two in zip(found[name], found[than], strict=True))

    def cheaper(name: str, than: str) -> float:
        return median(two.cpu_s / one.cpu_s for one, two in zip(found[name], found[than], strict=True))

    return {
        "vs_naive": faster(BEST, "naive loop"),
        "vs_naive_cpu": cheaper(BEST, "naive loop"),
        "vs_naive_pool": faster(BEST, f"naive loop, {WORKERS} processes"),
        "of_decode_limit": faster(BEST, f"decode only, {WORKERS} threads"),
        "of_decode_limit_cpu": cheaper("read only, 1 thread", "decode only, 1 thread"),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--side", type=int, default=SIDE, help=f"of the slide, px, a multiple of {TILE}")
    parser.add_argument("--patches", type=int, help="only so many of the slide's, from its top")
    parser.add_argument(
        "--others",
        type=Path,
        action="append",
        default=[],
        metavar="PYTHON",
        help="Python of an environment with tiatoolbox or histolab, to be measured too",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often everything is timed")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kind, pieces = _pieces(folder)
        write_mosaic(folder / "slide.tif", given.side, pieces)
        corners = grid_positions(given.side, given.side, PIECE, PIECE)
        places = np.hstack([corners, np.full((len(corners), 1), PIECE)])[: given.patches]
        print(f"{len(places):,} patches of {PIECE} px to {OUT} px, {given.side:,} px square of {kind}")
        found = measure(folder / "slide.tif", folder, places, given.rounds)
        others = [
            result
            for python in given.others
            for result in measure_others(python, folder / "slide.tif", folder, places)
        ]
    middle = [
        sorted(results, key=lambda result: result.value)[given.rounds // 2] for results in found.values()
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ours_per_s = next(one.value for one in middle if one.name == BEST)
    ratios = _ratios(found) | {f"vs_{other.name}": ours_per_s / other.value for other in others}
    memory_line = Result("memory at most, all of the above", memory, "MB", 0.0)
    show([*middle, *others, memory_line], ratios, given.json)


if __name__ == "__main__":
    main()
