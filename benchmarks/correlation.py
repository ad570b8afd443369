"""Compare the time of all-pairs normalised cross-correlation with that of matrix products alone."""

import resource
from functools import partial

import torch

from benchmarks.harness import Result, rate, report
from benchmarks.patches import noise
from pathgen.core.params import load_section
from pathgen.privacy.neighbours import CHUNK, nearest_both_ways, one_thread_each
from pathgen.privacy.settings import PrivacySettings
from pathgen.privacy.shift_ncc import nearest_shifted

SIDE_PX = 64
NEIGHBOURS = 10
STUDY_PAIRS = 70_016 * 70_000  # synthetic and training patches of the published study


def products(count: int, device: str) -> None:
    """Multiply all pairs of `count` float32 rows, chunk by chunk, without using the result."""
    left, right = torch.randn(2, CHUNK, SIDE_PX**2 * 3, device=device)
    sizes = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    blocks = [(m, n) for m in sizes for n in sizes]
    with one_thread_each() as pool:
        list(pool.map(lambda block: left[: block[0]] @ right[: block[1]].T, blocks))


def main(
    patches: int = 20_000,
    patches_shifted: int = 500,
    device: str = "cuda" if torch.cuda.is_available() else "cpu",
) -> None:
    count, few = patches, min(patches_shifted, patches)
    left, right = noise(count, SIDE_PX, seed=1), noise(count, SIDE_PX, seed=2)
    search = partial(nearest_both_ways, left, right, k=NEIGHBOURS, device=device)
    products(CHUNK, device)
    gemm = rate("matrix products", "pairs", count**2, lambda: products(count, device))
    one = rate("one orientation", "pairs", count**2, lambda: search(measure="ncc"))
    eight = rate("eight orientations", "pairs", count**2, lambda: search(measure="ncc-square"))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    shifts = {"symmetries": "square", "max_shift_px": 3, "shift_shortlist": 5}
    settings = load_section("privacy", PrivacySettings).model_copy(update=shifts)
    search_shifted = partial(nearest_shifted, left[:few], right[:few], settings, device)
    results = [gemm, one, eight]
    results += [
        Result(f"70,016 x 70,000, {each.name}", STUDY_PAIRS / each.value / 60, "min") for each in results
    ]
    results.append(Result(f"peak memory, {count:,} x {count:,}, patches included", peak_mb, "MB"))
    shifted = "eight orientations and shifts to 3 px, shortlist 5"
    results.append(rate(shifted, "pairs", few**2, search_shifted))
    ratios = {
        "time_vs_gemm": gemm.value / one.value,
        "eight_orientations_vs_gemm": gemm.value / eight.value,
    }
    report(results, ratios, torch.cuda.get_device_name() if device == "cuda" else None)
