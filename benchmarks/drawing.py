"""The draw out of as many candidates as Camelyon16 has, from a made-up table: time and memory by rows."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measuring import Result, own_process, show
from pathgen.core.profiles import read_profile
from pathgen.patches.candidates_io import complete, read_to_draw
from pathgen.patches.parquet import concatenate_tables, read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.schemas import CANDIDATES, COHORT, check_table
from pathgen.patches.settings import SampleSettings

ROOT = Path(__file__).resolve().parents[1]
# The published values: label rule, share of validation, patches per class.
PROFILE = "paper-camelyon16"
CAMELYON16 = 11_400_000
# Camelyon16: 159 normal, 111 tumor and 129 test slides, 49 of these with tumor.
KINDS = (("normal", 159, 0), ("tumor", 111, 111), ("test", 129, 49))
COLUMNS, PATCH_PX = 500, 256


def _slide(name: str, with_tumor: bool, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Make up the candidates of a slide: one lesion, most often a small one."""
    items = np.sort(rng.choice(3 * count, count, replace=False))
    tumor = np.zeros(count)
    if with_tumor:
        size = min(count, max(3, int(count * rng.lognormal(-4.5, 1.5))))
        start = rng.integers(0, count - size + 1)
        tumor[start : start + size] = np.clip(rng.normal(0.9, 0.4, size), 0.001, 1)
    known = {
        "item": items,
        "x_l0": items % COLUMNS * PATCH_PX,
        "y_l0": items // COLUMNS * PATCH_PX,
        "tumor_fraction": tumor,
        "tissue_fraction": rng.uniform(0.5, 1, count),
        "touches_tumor": tumor > 0,
    }
    same = {"slide": name, "file": f"{name}.tif", "size_l0": PATCH_PX, "exclusion_fraction": 0.0}
    frame = pd.DataFrame(known).assign(**same, exhaustive=True, split="test" if name[:2] == "te" else None)
    return check_table(frame.reindex(columns=CANDIDATES.names), CANDIDATES, name)


def write_tables(folder: Path, rows: int) -> None:
    """Write the cohort and its candidates as the stages cohort and index do."""
    rng = np.random.default_rng(0)
    slides = sorted(
        (f"{kind}_{number:03d}", number <= with_tumor)
        for kind, count, with_tumor in KINDS
        for number in range(1, count + 1)
    )
    shares = rng.lognormal(0, 0.6, len(slides))
    parts = []
    for (name, with_tumor), share in zip(slides, shares / shares.sum(), strict=True):
        parts.append(folder / f"{name}.parquet")
        write_table(_slide(name, with_tumor, max(8, int(rows * share)), rng), parts[-1])
    concatenate_tables(parts, CANDIDATES, folder / "candidates.parquet")
    names = [name for name, _ in slides]
    cohort = pd.DataFrame({"slide": names, "source": "made up", "path": names}).assign(
        split=["test" if name[:2] == "te" else None for name in names], exhaustive=True, slide_known=True
    )
    write_table(
        check_table(cohort.reindex(columns=COHORT.names), COHORT, "cohort"), folder / "cohort.parquet"
    )


def draw(folder: Path) -> None:
    """Do what the stage sample does, without the tracking around it."""
    settings = SampleSettings.model_validate(read_profile(PROFILE)["sample"] | {"on_shortage": "shrink"})
    drawn = sample_cohort(
        read_table(folder / "cohort.parquet"),
        read_to_draw(folder / "candidates.parquet"),
        **settings.model_dump(exclude={"label", "per_class"}),
        **settings.label.model_dump(),
        per_class=settings.per_class.model_dump(),
    )
    write_table(complete(drawn, folder / "candidates.parquet"), folder / "samples.parquet")


def measured(folder: Path, rows: int) -> list[Result]:
    """Draw in a process of its own."""
    run = own_process([sys.executable, "-m", "benchmarks.drawing", "--draw", str(folder)], ROOT)
    return [
        Result(f"draw out of {rows:,} candidates: time", run.seconds, "s", run.cpu_s),
        Result(f"draw out of {rows:,} candidates: memory", run.peak_mb, "MB", run.cpu_s),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure and print, or draw for the process that measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[CAMELYON16 // 4, CAMELYON16], help="candidates in the tables"
    )
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.draw:
        draw(given.draw)
        return
    results = []
    for rows in given.rows:
        with tempfile.TemporaryDirectory() as name:
            write_tables(Path(name), rows)
            results += measured(Path(name), rows)
    show(results, {"memory_last_to_first": results[-1].value / results[1].value}, given.json)


if __name__ == "__main__":
    main()
