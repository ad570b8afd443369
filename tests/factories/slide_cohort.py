"""Cohorts of small slides, and the stages index and extract on them, also in processes that can be killed."""

import json
import multiprocessing
import os
from multiprocessing.context import ForkServerProcess as Process
from pathlib import Path
from typing import Any

import pandas as pd

from factories.sampling import sample_settings
from factories.slide_files import (
    annotation_settings,
    job_settings,
    source_settings,
    write_annotation,
    write_slide,
)
from pathgen.core.errors import cli_errors
from pathgen.core.profiles import read_profile
from pathgen.jobs.result_cache import ENTRY_FILE
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.settings import IndexSettings

SOURCE = load_source("slide_csv")
SIZE_PX = 16
SLIDES = 10
PER_CLASS = {"train": 12, "valid": 6, "test": 8, "nonmember": 6, "reference": 6}


def write_cohort(root: Path, count: int, first: int = 0) -> None:
    """Write slides, every second one with a lesion, and list all slides of the folder."""
    for number in range(first, first + count):
        write_slide(root / f"s{number:03d}.tif", side=256, seed=number)
        if number % 2:
            write_annotation(root / f"s{number:03d}.xml", (64, 64, 192, 192 - number / 1000))
    list_slides(root)


def list_slides(root: Path) -> None:
    """Write the table of all slides in the folder."""
    lines = ["slide,label,annotation"]
    for slide in sorted(root.glob("*.tif")):
        outline = slide.with_suffix(".xml")
        lines.append(f"{slide.name},tumor,{outline.name}" if outline.exists() else f"{slide.name},normal,")
    (root / "slides.csv").write_text("\n".join(lines) + "\n")


def cohort_settings(root: Path, **changes: Any) -> CohortSettings:
    return source_settings("slide_csv", root, slide_csv={"table": "slides.csv"}, **changes)


def index_settings(**changes: Any) -> IndexSettings:
    plain = read_profile("phantom")["index"]
    tissue = {**plain["tissue"], "thumbnail_mpp": 4.0, "opening_um": 0.0, "closing_um": 0.0}
    return IndexSettings.model_validate(
        {**plain, "tissue": tissue, "patch_px": 32, "stride_px": 32, "mpp": 0.25, **changes}
    )


def cohort(root: Path, **changes: Any) -> pd.DataFrame:
    return SOURCE.find_cohort(root, cohort_settings(root, **changes), annotation_settings())


def index(
    root: Path, out: Path, work: Path, scheduler: str | None = None, keep: str = "present", **changes: Any
) -> int:
    """Run what the stage index runs."""
    settings = cohort_settings(root, **changes)
    return index_cohort(
        SOURCE.find_cohort(root, settings, annotation_settings()),
        settings,
        index_settings(),
        out / "index",
        job_settings(work, scheduler=scheduler, keep=keep),
    )


def draw(root: Path, out: Path, seed: int = 1, **changes: Any) -> pd.DataFrame:
    """Run what the stage sample runs."""
    settings = sample_settings(PER_CLASS, seed=seed, valid_tumor_share=0.2, test_tumor_share=0.3)
    samples = sample_cohort(cohort(root, **changes), read_table(out / "index/candidates.parquet"), settings)
    write_table(samples, out / "samples.parquet")
    return samples


def extract(
    root: Path, out: Path, work: Path, scheduler: str | None = None, keep: str = "present", **changes: Any
) -> None:
    """Run what the stage extract runs."""
    settings = cohort_settings(root, **changes)
    extract_cohort(
        SOURCE.find_cohort(root, settings, annotation_settings()),
        read_table(out / "samples.parquet"),
        settings,
        SIZE_PX,
        out / "patches",
        out / "patches_by_slide.parquet",
        job_settings(work, scheduler=scheduler, keep=keep),
    )


def entries(work: Path, verb: str) -> dict[str, tuple[int, int]]:
    """Return slide to inode and time of every cached result; a result that is computed again has others."""
    return {
        path.parent.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (work / verb).glob(f"*/[!.]*/{ENTRY_FILE}")
    }


def values(work: Path, verb: str, slide: str) -> list[dict[str, Any]]:
    """Return the values of all cached results of a slide, newest last."""
    files = sorted(
        (work / verb / slide).glob(f"[!.]*/{ENTRY_FILE}"), key=lambda file: file.stat().st_mtime_ns
    )
    return [json.loads(file.read_text())["values"] for file in files]


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pathgen.sources.index", "pathgen.sources.extract"])


def start(
    verb: str, root: Path, out: Path, work: Path, log: Path = Path(os.devnull), keep: str = "present"
) -> Process:
    """Start index or extract in a process of its own; append its standard error to a file."""
    process = _PROCESSES.Process(target=_run, args=(verb, root, out, work, log, keep))
    process.start()
    return process


def exit_code(process: Process) -> int | None:
    """Wait until a process has ended, at most a minute; return its exit code, negative after a signal."""
    process.join(60)
    return process.exitcode


def _run(verb: str, root: Path, out: Path, work: Path, log: Path, keep: str) -> None:
    with log.open("a") as stream:
        os.dup2(stream.fileno(), 2)
    with cli_errors():
        {"index": index, "extract": extract}[verb](root, out, work, keep=keep)
