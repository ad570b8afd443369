"""Compare the time of all-pairs normalised cross-correlation with matrix products alone and with a loop.

The loop calls ``match_template`` of scikit-image if that package is installed (``pip install scikit-image``;
nothing else needs it), and otherwise NumPy.
"""

import argparse
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import Result, rate, show
from benchmarks.turns import wait
from pathgen.privacy.blocked_knn import CHUNK, one_thread_each
from pathgen.privacy.neighbours import PixelMeasure, nearest_both_ways
from pathgen.privacy.shift_ncc import NccSearch, nearest_shifted

SIDE_PX = 64
NEIGHBOURS = 10
# Number of synthetic and of training patches of the published study.
STUDY = (70_016, 70_000)
MEASURES: dict[str, PixelMeasure] = {"one orientation": "ncc", "eight orientations": "ncc-square"}


def images(seed: int, count: int) -> NDArray[np.uint8]:
    """Generate coarse noise, in which neighbouring pixels are similar, as in tissue."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 220, (count, SIDE_PX // 8, SIDE_PX // 8, 3), dtype=np.uint8)
    fine = coarse.repeat(8, axis=1).repeat(8, axis=2)
    fine += rng.integers(0, 36, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    return fine


def products(count: int, device: torch.device) -> None:
    """Multiply all pairs of `count` float32 rows, chunk by chunk, without using the result."""
    left, right = torch.randn(2, CHUNK, SIDE_PX**2 * 3, device=device)
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    with one_thread_each() as pool:
        list(
            pool.map(
                lambda block: left[: block[0]] @ right[: block[1]].T, [(m, n) for m in sizes for n in sizes]
            )
        )
    wait(device)


def plain(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Correlate one pair in plain NumPy."""
    x, y = a.astype(np.float64) - a.mean(), b.astype(np.float64) - b.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def loop() -> tuple[str, Callable[[NDArray[np.uint8], NDArray[np.uint8]], float]]:
    """Return the name of the loop and its function of a pair."""
    try:
        from skimage.feature import match_template  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        return "NumPy, pair by pair", plain
    return "scikit-image, pair by pair", lambda a, b: float(match_template(a, b).item())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", type=int, default=20_000, help="number per set")
    parser.add_argument("--pairs", type=int, default=300, help="number of pairs in the loop")
    parser.add_argument("--shifted", type=int, default=500, help="number per set with shifts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    device, count, few = torch.device(chosen.device), chosen.patches, min(chosen.shifted, chosen.patches)
    left, right = images(1, count), images(2, count)
    name, pair = loop()
    products(CHUNK, device)
    results = [rate("matrix products", "pairs", count * count, lambda: products(count, device))]
    for words, measure in MEASURES.items():
        results.append(
            rate(
                words,
                "pairs",
                count * count,
                lambda measure=measure: nearest_both_ways(  # type: ignore[misc]
                    left, right, measure=measure, k=NEIGHBOURS, device=chosen.device
                ),
            )
        )
    minutes = [
        Result(f"{STUDY[0]:,} x {STUDY[1]:,}, {one.name}", STUDY[0] * STUDY[1] / one.value / 60, "min", 0.0)
        for one in results
    ]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    search = NccSearch("square", 3, 5, chosen.device)
    shifted = lambda: nearest_shifted(left[:few], right[:few], search)  # noqa: E731
    results.append(rate("eight orientations and shifts to 3 px, shortlist 5", "pairs", few * few, shifted))
    some = [(left[i % count], right[i % count]) for i in range(chosen.pairs)]
    results.append(rate(name, "pairs", len(some), lambda: [pair(a, b) for a, b in some]))
    speed = {result.name: result.value for result in results}
    results += [*minutes, Result(f"peak memory, {count:,} x {count:,}, patches included", peak_mb, "MB", 0.0)]
    ratios = {
        "time_vs_gemm": speed["matrix products"] / speed["one orientation"],
        "eight_orientations_vs_gemm": speed["matrix products"] / speed["eight orientations"],
        "vs_loop": speed["one orientation"] / speed[name],
    }
    gpu = torch.cuda.get_device_name() if device.type == "cuda" else None
    show(results, ratios, chosen.json, gpu)


if __name__ == "__main__":
    main()
