"""Find the candidate patches of a cohort, slide by slide, and write them in one folder."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import atomic_folder
from pathgen.jobs.job import Job
from pathgen.jobs.result_cache import JobResult, ResultCache, Values
from pathgen.jobs.runner import open_executor, prune, run_jobs
from pathgen.jobs.settings import JobSettings
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import concatenate_tables, write_table
from pathgen.patches.schemas import CANDIDATES, INDEXED, check_table
from pathgen.provenance.code_hash import code_manifest
from pathgen.sources.settings import CohortSettings
from pathgen.sources.slide_key import slide_key, used_slides
from pathgen.sources.source import Source
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

_OVERLAY_FILE = "overlay.png"


def _index_slide(
    source: Source,
    root: Path,
    row: Mapping[str, Any],
    cohort: CohortSettings,
    index: IndexSettings,
    folder: Path,
) -> Values:
    """Write the candidates and the overlay of one slide, and return columns of `INDEXED`: one job.

    `tumor_candidates` counts those that touch a lesion, or are labelled tumor where the source gives labels.
    """
    found = source.find_candidates(root, row, cohort, index)
    write_table(found.candidates, folder / layout.CANDIDATES.name)
    if found.overlay is not None:
        save_png(found.overlay, folder / _OVERLAY_FILE)
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
    facts = [
        {"slide": result.name, "reason": str(result.problem) if result.problem else None, **result.values}
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
    _write([result for result in results if result.problem is None], indexed, folder)
    prune(jobs, cache, job_settings)
    return total


def _write(results: Sequence[JobResult], indexed: pd.DataFrame, folder: Path) -> None:
    with atomic_folder(folder) as draft:
        file, overlays = layout.CANDIDATES.name, draft / layout.OVERLAYS.name
        overlays.mkdir()
        concatenate_tables([result.folder / file for result in results], CANDIDATES, draft / file)
        write_table(indexed, draft / layout.INDEXED_SLIDES.name)
        for result in results:
            if (result.folder / _OVERLAY_FILE).exists():
                shutil.copyfile(result.folder / _OVERLAY_FILE, overlays / f"{result.name}.png")
