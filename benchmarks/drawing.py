"""Measure time and memory of sampling from as many candidates as Camelyon16 has, in a simulated table."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cohort import draw
from benchmarks.harness import Result, own_process, report
from pathgen.core.profiles import read_profile
from pathgen.patches.parquet import concatenate_tables, write_table
from pathgen.patches.schemas import CANDIDATES, COHORT, check_table
from pathgen.patches.settings import SampleSettings

CAMELYON16 = 11_400_000
# Camelyon16: number of slides of each kind, and how many of them have tumour.
KINDS = (("normal", 159, 0), ("tumor", 111, 111), ("test", 129, 49))
COLUMNS, PATCH_PX = 500, 256


def simulate_slide(name: str, with_tumor: bool, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate the candidates of a slide with at most one lesion, usually a small one."""
    items = np.sort(rng.choice(3 * count, count, replace=False))
    tumor = np.zeros(count)
    if with_tumor:
        size = min(count, max(3, int(count * rng.lognormal(-4.5, 1.5))))
        start = rng.integers(0, count - size + 1)
        tumor[start : start + size] = np.clip(rng.normal(0.9, 0.4, size), 0.001, 1)
    frame = pd.DataFrame({"item": items, "tumor_fraction": tumor}).assign(
        slide=name,
        file=f"{name}.tif",
        x_l0=items % COLUMNS * PATCH_PX,
        y_l0=items // COLUMNS * PATCH_PX,
        size_l0=PATCH_PX,
        tissue_fraction=rng.uniform(0.5, 1, count),
        touches_tumor=tumor > 0,
        exclusion_fraction=0.0,
        exhaustive=True,
        split="test" if name.startswith("test") else None,
    )
    return check_table(frame.reindex(columns=CANDIDATES.names), CANDIDATES, name)


def write_tables(folder: Path, rows: int) -> None:
    """Write a cohort and its candidates as the stages `cohort` and `index` do."""
    rng = np.random.default_rng(0)
    slides = sorted(
        (f"{kind}_{number:03d}", number <= with_tumor)
        for kind, count, with_tumor in KINDS
        for number in range(1, count + 1)
    )
    shares = rng.lognormal(0, 0.6, len(slides))
    parts = [folder / f"{name}.parquet" for name, _ in slides]
    for part, (name, with_tumor), share in zip(parts, slides, shares / shares.sum(), strict=True):
        write_table(simulate_slide(name, with_tumor, max(8, int(rows * share)), rng), part)
    concatenate_tables(parts, CANDIDATES, folder / "candidates.parquet")
    names = [name for name, _ in slides]
    splits = ["test" if name.startswith("test") else None for name in names]
    cohort = pd.DataFrame({"slide": names, "source": "simulated", "path": names, "split": splits})
    cohort = cohort.assign(exhaustive=True, slide_known=True).reindex(columns=COHORT.names)
    write_table(check_table(cohort, COHORT, "cohort"), folder / "cohort.parquet")


def main(candidates: tuple[int, int] = (CAMELYON16 // 4, CAMELYON16)) -> None:
    plain = read_profile("paper-camelyon16")["sample"] | {"on_shortage": "shrink"}
    settings = SampleSettings.model_validate(plain)
    results: list[Result] = []
    memory = []
    for rows in candidates:
        with tempfile.TemporaryDirectory() as name:
            write_tables(Path(name), rows)
            files = [Path(name, f"{table}.parquet") for table in ("cohort", "candidates", "samples")]
            results += own_process(f"{rows:,} candidates", draw, settings, *files)
        memory.append(results[-1].value)
    report(results, {"memory_last_to_first": memory[-1] / memory[0]})
