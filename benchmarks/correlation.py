"""Compare the time of all-pairs normalised cross-correlation with matrix products alone and with a loop.

The loop calls ``match_template`` of scikit-image if that package is installed (``pip install scikit-image``;
nothing else needs it), and otherwise NumPy.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import Result, own_process, rate, show
from benchmarks.turns import wait
from pathgen.privacy.blocked_knn import CHUNK, one_thread_each
from pathgen.privacy.neighbours import PixelMeasure, nearest_both_ways
from pathgen.privacy.shift_ncc import NccSearch, nearest_shifted

SIDE_PX = 64
NEIGHBOURS = 10
# Number of synthetic and of training patches of the published study.
STUDY = (70_016, 70_000)
MEASURES: dict[str, PixelMeasure] = {"one position": "ncc", "eight positions": "ncc-square"}


def images(seed: int, count: int) -> NDArray[np.uint8]:
    """Generate coarse noise, in which neighbouring pixels are similar, as in tissue."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 220, (count, SIDE_PX // 8, SIDE_PX // 8, 3), dtype=np.uint8)
    drawn = coarse.repeat(8, axis=1).repeat(8, axis=2)
    drawn += rng.integers(0, 36, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    return drawn


def products(counts: tuple[int, int], device: torch.device) -> None:
    """Multiply float32 rows of as many patches, chunk by chunk, without using the result."""
    rows = torch.randn(CHUNK, SIDE_PX**2 * 3, device=device)
    other = torch.randn(CHUNK, SIDE_PX**2 * 3, device=device)
    pieces = [[min(CHUNK, n - start) for start in range(0, n, CHUNK)] for n in counts]
    blocks = [(left, right) for left in pieces[0] for right in pieces[1]]

    def multiplied(block: tuple[int, int]) -> None:
        rows[: block[0]] @ other[: block[1]].T

    with one_thread_each() as pool:
        list(pool.map(multiplied, blocks))
    wait(device)


def plain(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Correlate one pair in plain NumPy."""
    x, y = a.astype(np.float64) - a.mean(), b.astype(np.float64) - b.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def loop() -> tuple[str, Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]]:
    """Return the name of the loop and its function of a pair."""
    if find_spec("skimage") is None:
        return "NumPy, pair by pair", plain
    feature: Any = import_module("skimage.feature")
    return "scikit-image, pair by pair", lambda a, b: float(feature.match_template(a, b).item())


def check_same(pair: Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]) -> None:
    """Exit with a message if the nearest neighbours differ from those of the loop."""
    left, right = images(3, 12), images(4, 15)
    found, _ = nearest_both_ways(left, right, measure="ncc", k=1)
    expected = np.array([[1 - pair(b, a) for b in right] for a in left])
    if (found.index[:, 0] != expected.argmin(axis=1)).any() or not np.allclose(
        found.distance[:, 0], expected.min(axis=1), atol=2e-5
    ):
        raise SystemExit("all pairs at once and the loop over pairs differ")


def peak_mb(count: int, threads: int) -> float:
    """Return the peak memory of a process that compares `count` with `count` patches on disk, in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, file in enumerate(("left.npy", "right.npy")):
            np.save(folder / file, images(seed, count))
        here = [sys.executable, "-m", "benchmarks.correlation", "--inside", name, "--threads", str(threads)]
        return own_process(here, Path.cwd()).peak_mb


def inside(folder: Path) -> None:
    """Compare the patches on disk, for `peak_mb`."""
    left, right = (np.load(folder / file, mmap_mode="r") for file in ("left.npy", "right.npy"))
    nearest_both_ways(left, right, measure="ncc", k=NEIGHBOURS)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=20_000, help="number per set")
    parser.add_argument("--pairs", type=int, default=300, help="number of pairs in the loop")
    parser.add_argument("--shifted", type=int, default=500, help="number per set with shifts")
    parser.add_argument("--threads", type=int, default=0, help="0: default of torch")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    if chosen.inside is not None:
        inside(chosen.inside)
        return
    device, count, threads = torch.device(chosen.device), chosen.patches, torch.get_num_threads()
    name, pair = loop()
    check_same(pair)
    left, right = images(1, count), images(2, count)
    work: dict[str, Callable[[], object]] = {"bare products": lambda: products((count, count), device)}
    for words, measure in MEASURES.items():
        work[words] = lambda measure=measure: nearest_both_ways(  # type: ignore[misc]
            left, right, measure=measure, k=NEIGHBOURS, device=chosen.device
        )
    products((CHUNK, CHUNK), device)
    results = [rate(words, "pairs", count * count, run) for words, run in work.items()]
    few = min(chosen.shifted, count)
    results.append(
        rate(
            "eight positions and shifts to 3 px, shortlist 5",
            "pairs",
            few * few,
            lambda: nearest_shifted(left[:few], right[:few], NccSearch("square", 3, 5, chosen.device)),
        )
    )
    results.append(
        rate(
            name,
            "pairs",
            chosen.pairs,
            lambda: [pair(left[i % count], right[i % count]) for i in range(chosen.pairs)],
        )
    )
    speed = {result.name: result.value for result in results}
    study_pairs = STUDY[0] * STUDY[1]
    results += [
        Result(f"{STUDY[0]:,} x {STUDY[1]:,}, {words}", study_pairs / speed[words] / 60, "min", 0.0)
        for words in work
    ]
    if device.type == "cpu":
        peak = peak_mb(count, threads)
        more = (sum(STUDY) - 2 * count) * (SIDE_PX**2 * 3 + 4 * NEIGHBOURS * 8) / 1024**2
        results += [
            Result(f"memory, {count:,} x {count:,}", peak, "MB", 0.0),
            Result(f"memory, {STUDY[0]:,} x {STUDY[1]:,}, patches included", peak + more, "MB", 0.0),
        ]
    ratios = {
        "time_vs_gemm": speed["bare products"] / speed["one position"],
        "eight_positions_vs_gemm": speed["bare products"] / speed["eight positions"],
        "eight_positions_vs_eight_gemm": speed["bare products"] / speed["eight positions"] / 8,
        "vs_scikit_image" if "scikit" in name else "vs_loop": speed["one position"] / speed[name],
    }
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else None
    show(results, ratios, chosen.json, gpu)


if __name__ == "__main__":
    main()
