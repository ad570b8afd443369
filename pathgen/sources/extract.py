"""Read the sampled patches of a cohort, slide by slide, and write the patch sets of all roles."""

import hashlib
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import report_full_disk
from pathgen.jobs.job import Job
from pathgen.jobs.result_cache import JobResult, ResultCache, Values
from pathgen.jobs.runner import open_executor, prune, run_jobs
from pathgen.jobs.settings import JobSettings
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.schemas import EXTRACTED, check_table
from pathgen.patches.store import PIXELS_FILE, open_pixels, write_pixels
from pathgen.patches.write_roles import patch_bytes, require_room, write_roles
from pathgen.provenance.code_hash import code_manifest
from pathgen.sources.settings import CohortSettings
from pathgen.sources.slide_key import slide_key, used_slides
from pathgen.sources.source import Source
from pathgen.sources.source_discovery import load_source

_log = logging.getLogger(__name__)
_CHUNK_BYTES = 64 << 20
_PLACES_FILE = "places.parquet"
# Columns that identify a patch of a slide.
_PLACE = ["item", "x_l0", "y_l0", "size_l0", "file"]


def _extract_slide(
    source: Source,
    root: Path,
    places: pd.DataFrame,
    cohort: CohortSettings,
    size_px: int,
    threads: int,
    earlier: Sequence[JobResult],
    folder: Path,
) -> Values:
    """Read the patches of one slide at `places` sorted by item, and return how they were read: one job.

    Patches of `earlier` samples are copied. The result does not depend on `threads`.
    """
    folders = [entry.folder for entry in earlier]
    known = [(read_table(one / _PLACES_FILE), open_pixels(one / PIXELS_FILE)) for one in folders]
    methods: list[Values] = [{**entry.values, "read": 0} for entry in earlier]
    count = len(places)
    incomplete: Any = pd.arrays.BooleanArray(np.zeros(count, bool), np.ones(count, bool))

    def read(rows: slice) -> NDArray[np.uint8]:
        wanted, cut = places.iloc[rows], incomplete[rows]  # views
        images = np.empty((len(wanted), size_px, size_px, 3), dtype=np.uint8)
        missing = np.ones(len(wanted), dtype=bool)
        for table, pixels in known:
            found = _find(wanted, table)
            copied = missing & (found >= 0)
            images[copied] = pixels[found[copied]]
            cut[copied] = table["incomplete"].array[found[copied]]
            missing &= ~copied
        if missing.any():
            batch = source.read_patches(root, wanted[missing], size_px, cohort, threads)
            images[missing] = batch.images
            if batch.incomplete is not None:
                cut[missing] = batch.incomplete
            methods.append({"read": len(batch.images), "method": batch.method, "reason": batch.reason})
        return images

    rows_per_chunk = max(1, _CHUNK_BYTES // (size_px**2 * 3))
    chunks = (read(slice(start, start + rows_per_chunk)) for start in range(0, count, rows_per_chunk))
    write_pixels(folder / PIXELS_FILE, (count, size_px, size_px, 3), chunks)
    write_table(places.assign(incomplete=incomplete), folder / _PLACES_FILE)
    return {
        "patches": count,
        "read": sum(method["read"] for method in methods),
        # One slide is always read by the same method.
        "method": methods[0]["method"],
        "reason": methods[0]["reason"],
        "incomplete": None if incomplete.isna().any() else int(incomplete.sum()),
    }


def _find(places: pd.DataFrame, known: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each place its row among the known places, int64; -1 for unknown places."""
    numbered = known[_PLACE].assign(row=np.arange(len(known)))
    rows = places[_PLACE].merge(numbered, how="left", on=_PLACE)["row"]
    return rows.fillna(-1).to_numpy(dtype=np.int64)


def extract_cohort(
    cohort: pd.DataFrame,
    samples: pd.DataFrame,
    cohort_settings: CohortSettings,
    size_px: int,
    folder: Path,
    slides_file: Path,
    job_settings: JobSettings,
) -> None:
    """Read the sampled patches, and write one patch set per role and a table of how each slide was read.

    Each slide is a job with a cached result: an interrupted run continues where it ended, and patches that an
    earlier sample had are not read again.

    Args:
        cohort: Table `COHORT`.
        samples: Table `SAMPLES`.
        cohort_settings: Section `cohort`; with ``on_bad_slide: skip``, a slide with an unreadable patch is
            left out with all its patches, and the table gives the reason.
        size_px: Side of the patches, px.
        folder: Folder of the patch sets.
        slides_file: Path of the table `EXTRACTED`.
        job_settings: Section `jobs`; the bytes written do not depend on it.

    Raises:
        PathgenErrors: Patches cannot be read, one error per slide; or, without the skipped slides, a role has
            no patch of a class.
        PathgenError: A disk has too little space.
    """
    cache = ResultCache(Path(job_settings.folder) / "extract")
    jobs = _jobs(cohort, samples, cohort_settings, size_px, cache, job_settings)
    unread = sum(job.size for job in jobs if not cache.place(job.name, job.key).exists())
    needed = patch_bytes(len(samples), size_px)
    require_room({cache.folder: patch_bytes(unread, size_px), folder: needed})
    with open_executor(job_settings, cache.folder) as executor:
        results = run_jobs(jobs, cache, executor, unit="patches", desc="read patches")
    readable = _without_bad_slides(results, samples, cohort_settings.on_bad_slide)
    with report_full_disk(folder, needed):
        write_roles(readable, {result.name: result.folder for result in results}, folder, size_px)
        rows = [
            {"slide": result.name, "patches": 0, "left_out": str(result.problem)}
            if result.problem is not None
            else {"slide": result.name, **result.values}
            for result in results
        ]
        table = pd.DataFrame(rows).reindex(columns=EXTRACTED.names)
        write_table(check_table(table, EXTRACTED, slides_file), slides_file)
    prune(jobs, cache, job_settings)


def _jobs(
    cohort: pd.DataFrame,
    samples: pd.DataFrame,
    cohort_settings: CohortSettings,
    size_px: int,
    cache: ResultCache,
    job_settings: JobSettings,
) -> list[Job]:
    source, root = load_source(cohort_settings.source), cohort_settings.folder.resolve()
    sampled = cohort[cohort["slide"].isin(samples["slide"])]
    rows = {row["slide"]: row for row in used_slides(sampled, source, cohort_settings)}
    if unknown := sorted(set(samples["slide"]) - set(rows)):
        raise PathgenError(
            f"slide {unknown[0]}", "has sampled patches, but is not in the cohort", "Run: dvc repro sample"
        )
    by_slide = samples.sort_values(["slide", "item"], kind="stable").groupby("slide", sort=True)
    code = code_manifest(__name__, source.read_patches.__module__)
    jobs = []
    for name, of_slide in by_slide:
        slide, places = str(name), of_slide[_PLACE].reset_index(drop=True)
        # The patches' labels and roles, and other columns of the cohort, do not change pixels.
        content = {column: rows[slide][column] for column in ("sha256", "bytes")}
        digest = hashlib.sha256(places.to_csv(index=False).encode()).hexdigest()
        key = slide_key(source, cohort_settings, {"size_px": size_px}, content, {"places": digest}, code)
        others = key.without_input("places").digest
        entries = cache.entries(slide)
        earlier = [entry for entry in entries if entry.key.without_input("places").digest == others]
        threads = job_settings.threads_per_slide
        work = partial(_extract_slide, source, root, places, cohort_settings, size_px, threads, earlier)
        jobs.append(Job(slide, key, work, size=len(places), needs=(root,)))
    return jobs


def _without_bad_slides(
    results: Sequence[JobResult], samples: pd.DataFrame, on_bad_slide: Literal["stop", "skip"]
) -> pd.DataFrame:
    """Return the patches of all readable slides; refuse to skip slides where that is not allowed."""
    problems = [
        PathgenError(error.subject, error.reason, f"{error.hint}: cohort.exclude_slides: [{result.name}]")
        for result in results
        for error in result.errors
    ]
    if problems and on_bad_slide == "stop":
        raise PathgenErrors(problems)
    bad = {result.name: result.problem for result in results if result.problem is not None}
    readable = samples[~samples["slide"].isin(bad)]
    needed, left = (set(zip(table["role"], table["label"], strict=True)) for table in (samples, readable))
    if needed != left:
        reason = "no patch is left without the bad slides"
        hint = "Repair or replace the slides named above, or draw other patches: sample.seed"
        empty = [PathgenError(f"{role}, {label}", reason, hint) for role, label in sorted(needed - left)]
        raise PathgenErrors([*problems, *empty])
    for slide, problem in bad.items():
        count = int((samples["slide"] == slide).sum())
        _log.warning("slide %s and its %d patches are skipped: %s", slide, count, problem)
    return readable
