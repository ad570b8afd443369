"""Find the candidate patches of a cohort, slide by slide, and write them in one folder."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import atomic_folder
from pathgen.jobs.job import Job
from pathgen.jobs.result_cache import JobResult, ResultCache, Values
from pathgen.jobs.runner import open_executor, prune, run_jobs
from pathgen.jobs.settings import JobSettings
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import concatenate_tables, read_table, write_table
from pathgen.patches.schemas import CANDIDATES, INDEXED, check_table
from pathgen.provenance.code_hash import code_manifest
from pathgen.sources.equal_patches import left_out_copies
from pathgen.sources.settings import CohortSettings
from pathgen.sources.slide_key import slide_key, used_slides
from pathgen.sources.source import Source
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

_OVERLAY_FILE = "overlay.png"
_PIXELS_FILE = "pixels.npy"


def _index_slide(
    source: Source,
    root: Path,
    row: Mapping[str, Any],
    cohort: CohortSettings,
    index: IndexSettings,
    folder: Path,
) -> Values:
    """Write the candidates, overlay and digests of one slide, and return columns of `INDEXED`: one job.

    `tumor_candidates` counts those that touch a lesion, or are labelled tumor where the source gives labels.
    """
    found = source.find_candidates(root, row, cohort, index)
    write_table(found.candidates, folder / layout.CANDIDATES.name)
    if found.overlay is not None:
        save_png(found.overlay, folder / _OVERLAY_FILE)
    if found.pixels is not None:
        assert len(found.pixels) == len(found.candidates)
        np.save(folder / _PIXELS_FILE, found.pixels)
    touches, label = found.candidates["touches_tumor"], found.candidates["label"]
    tumor = None
    if touches.notna().any():
        tumor = int(touches.sum())
    elif label.notna().any():
        tumor = int((label == "tumor").sum())
    return {"candidates": len(found.candidates), "tumor_candidates": tumor, **found.facts}


def index_cohort(
    cohort: pd.DataFrame,
    cohort_settings: CohortSettings,
    index_settings: IndexSettings,
    folder: Path,
    job_settings: JobSettings,
) -> int:
    """Find every candidate patch and write ``candidates.parquet``, ``overlays/`` and ``slides.parquet``.

    Each slide is a job with a cached result: an interrupted run continues where it ended.

    Args:
        cohort: Table `COHORT`; skipped slides are left out.
        cohort_settings: Section `cohort`; with ``on_bad_slide: skip``, slides that cannot be indexed are left
            out and listed in ``slides.parquet`` with the reason.
        index_settings: Section `index`.
        folder: Folder to write; it appears when it is complete.
        job_settings: Section `jobs`; the bytes written do not depend on it.

    Returns:
        Number of candidates.

    Raises:
        PathgenErrors: Slides cannot be indexed and may not be skipped, or no candidate was found.
    """
    source, root = load_source(cohort_settings.source), cohort_settings.folder.resolve()
    rows = used_slides(cohort, root)
    cache = ResultCache(Path(job_settings.folder) / "index")
    index = {"index": index_settings.model_dump()}
    code = code_manifest(__name__, source.find_candidates.__module__)
    jobs = [
        Job(
            name=row["slide"],
            key=slide_key(source, cohort_settings, index, row, {}, code),
            work=partial(_index_slide, source, root, row, cohort_settings, index_settings),
            needs=(root,),
        )
        for row in rows
    ]
    with open_executor(job_settings, cache.folder) as executor:
        results = run_jobs(jobs, cache, executor, unit="slides", desc="index slides")
    problems = [error for result in results for error in result.errors]
    if problems and cohort_settings.on_bad_slide == "stop":
        raise PathgenErrors(problems)
    usable = [result for result in results if result.problem is None]
    unequal, counts = _without_copies(usable)
    facts = [
        {"slide": result.name, "reason": str(result.problem) if result.problem else None}
        | dict(result.values)
        | counts.get(result.name, {})
        for result in results
    ]
    indexed = check_table(pd.DataFrame(facts).reindex(columns=INDEXED.names), INDEXED, folder)
    total = int(indexed["candidates"].sum())
    if total == 0:
        nothing = PathgenError(root, "no candidate patch was found", "Check the index settings")
        raise PathgenErrors([*problems, nothing])
    for result in results:
        if result.problem is not None:
            _log.warning("slide %s is skipped: %s", result.name, result.problem)
    _write(usable, unequal, indexed, folder)
    prune(jobs, cache, job_settings)
    return total


def _without_copies(
    results: Sequence[JobResult],
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, int]]]:
    """Leave out copies among the slides whose patches have digests.

    Returns:
        By slide, its candidates without copies, and columns of `INDEXED`; slides without digests are absent.
    """
    compared = [result for result in results if (result.folder / _PIXELS_FILE).exists()]
    if not compared:
        return {}, {}
    tables = {}
    for result in compared:
        digests = np.load(result.folder / _PIXELS_FILE)
        tables[result.name] = read_table(result.folder / layout.CANDIDATES.name).assign(pixels=digests)
    looked_at = [table[["slide", "item", "split", "label", "pixels"]] for table in tables.values()]
    marked = left_out_copies(pd.concat(looked_at, ignore_index=True))
    unequal, counts, end = {}, {}, 0
    for slide, table in tables.items():
        start, end = end, end + len(table)
        own = marked.iloc[start:end]
        unequal[slide] = table[~own["copy"].to_numpy()].drop(columns="pixels")
        counts[slide] = {
            "candidates": len(unequal[slide]),
            "tumor_candidates": int((unequal[slide]["label"] == "tumor").sum()),
            "copies": int(own["copy"].sum()),
            "two_labels": int(own["two_labels"].sum()),
        }
    if copies := int(marked["copy"].sum()):
        said = "%d patches are left out, since other patches have equal pixels; %d of them have both labels"
        _log.warning(said, copies, int(marked["two_labels"].sum()))
    return unequal, counts


def _write(
    results: Sequence[JobResult], unequal: Mapping[str, pd.DataFrame], indexed: pd.DataFrame, folder: Path
) -> None:
    with atomic_folder(folder) as draft, TemporaryDirectory(dir=draft) as parts:
        file, overlays = layout.CANDIDATES.name, draft / layout.OVERLAYS.name
        overlays.mkdir()
        tables = {result.name: result.folder / file for result in results}
        for number, (slide, table) in enumerate(unequal.items()):
            tables[slide] = Path(parts) / f"{number}.parquet"
            write_table(table, tables[slide])
        concatenate_tables(list(tables.values()), CANDIDATES, draft / file)
        write_table(indexed, draft / layout.INDEXED_SLIDES.name)
        for result in results:
            if (result.folder / _OVERLAY_FILE).exists():
                shutil.copyfile(result.folder / _OVERLAY_FILE, overlays / f"{result.name}.png")
