"""Find the candidate patches of a cohort, slide by slide, and write them in one folder."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from pathgen.patches.schemas import CANDIDATES, INDEXED, NEAR_DUPLICATES, check_table
from pathgen.provenance.code_hash import code_manifest
from pathgen.sources.equal_patches import left_out_copies
from pathgen.sources.near_duplicates import near_pairs, picture_numbers
from pathgen.sources.settings import CohortSettings
from pathgen.sources.slide_key import slide_key, used_slides
from pathgen.sources.source import Source
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

_OVERLAY_FILE = "overlay.png"
_PIXELS_FILE, _THUMBNAILS_FILE = "pixels.npy", "thumbnails.npy"


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
    if found.thumbnails is not None:
        np.save(folder / _THUMBNAILS_FILE, found.thumbnails)
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
    rows = used_slides(cohort, source, cohort_settings)
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
    distinct = _distinct(usable, cohort_settings.near_duplicates == "leave_out")
    facts = [
        {"slide": result.name, "reason": str(result.problem) if result.problem else None}
        | dict(result.values)
        | distinct.counts.get(result.name, {})
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
    _write(usable, distinct, indexed, folder)
    prune(jobs, cache, job_settings)
    return total


@dataclass(frozen=True)
class _Distinct:
    """What is left of the slides with compared patches.

    Attributes:
        tables: Slide to its candidates without copies.
        counts: Slide to columns of `INDEXED`.
        pairs: Table `NEAR_DUPLICATES`; None if nothing was compared.
    """

    tables: Mapping[str, pd.DataFrame]
    counts: Mapping[str, dict[str, int]]
    pairs: pd.DataFrame | None = None


def _distinct(results: Sequence[JobResult], without_near: bool) -> _Distinct:
    """Leave out copies among the slides with digests of patches, and find near-duplicates.

    Args:
        results: The indexed slides.
        without_near: Whether near-duplicates are left out, too.
    """
    compared = [result for result in results if (result.folder / _PIXELS_FILE).exists()]
    if not compared:
        return _Distinct({}, {})
    tables = [read_table(result.folder / layout.CANDIDATES.name) for result in compared]
    pixels = [np.load(result.folder / _PIXELS_FILE) for result in compared]
    patches = pd.concat(tables, ignore_index=True).assign(pixels=np.concatenate(pixels))
    marked = left_out_copies(patches)
    once = patches[~marked["copy"]]
    thumbnails = np.concatenate([np.load(result.folder / _THUMBNAILS_FILE) for result in compared])
    pairs = near_pairs(thumbnails[once.index])
    surplus = left_out_copies(once.assign(pixels=picture_numbers(len(once), pairs)))["copy"]
    marked["near"] = surplus.reindex(marked.index, fill_value=False)
    _tell(marked, once, pairs, without_near)
    left, of_slide, counts = ~marked["copy"] & ~(marked["near"] & without_near), {}, {}
    for slide, own in patches.drop(columns="pixels").groupby("slide"):
        table, marks = own[left[own.index]], marked.loc[own.index]
        of_slide[str(slide)] = table
        counts[str(slide)] = {
            "candidates": len(table),
            "tumor_candidates": int((table["label"] == "tumor").sum()),
            "copies": int(marks["copy"].sum()),
            "two_labels": int(marks["two_labels"].sum()),
            "near_duplicates": int(marks["near"].sum()),
        }
    return _Distinct(of_slide, counts, _named(once, pairs))


def _tell(marked: pd.DataFrame, once: pd.DataFrame, pairs: pd.DataFrame, without_near: bool) -> None:
    if copies := int(marked["copy"].sum()):
        message = (
            "%d patches are left out, since other patches have equal pixels; %d of them have both labels"
        )
        _log.warning(message, copies, int(marked["two_labels"].sum()))
    if len(pairs):
        counts = []
        for column, name in (("label", "labels"), ("split", "official splits")):
            if once[column].notna().any():  # not every source has splits
                values = once[column].fillna("").to_numpy()
                unlike = int((values[pairs["one"]] != values[pairs["other"]]).sum())
                counts.append(f"{unlike} have two {name}")
        what = "are left out" if without_near else "are used (cohort.near_duplicates: keep)"
        message = (
            "%d patches %s that show the picture of another one, rotated, mirrored or compressed again; "
            "of %d pairs, listed in %s, %s"
        )
        near, listed = int(marked["near"].sum()), " and ".join(counts)
        _log.warning(message, near, what, len(pairs), layout.NEAR_DUPLICATES, listed)


def _named(patches: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the table `NEAR_DUPLICATES` of pairs of row numbers."""
    columns = ["slide", "item", "file", "split", "label"]
    one, other = (
        patches[columns].iloc[pairs[name].to_numpy()].reset_index(drop=True) for name in ("one", "other")
    )
    named = pd.concat([one, other.add_prefix("other_"), pairs["rms"].reset_index(drop=True)], axis=1)
    return check_table(named, NEAR_DUPLICATES, layout.NEAR_DUPLICATES)


def _write(results: Sequence[JobResult], distinct: _Distinct, indexed: pd.DataFrame, folder: Path) -> None:
    with atomic_folder(folder) as draft, TemporaryDirectory(dir=draft) as parts:
        file, overlays = layout.CANDIDATES.name, draft / layout.OVERLAYS.name
        overlays.mkdir()
        tables = {result.name: result.folder / file for result in results}
        for number, (slide, table) in enumerate(distinct.tables.items()):
            tables[slide] = Path(parts) / f"{number}.parquet"
            write_table(table, tables[slide])
        concatenate_tables(list(tables.values()), CANDIDATES, draft / file)
        write_table(indexed, draft / layout.INDEXED_SLIDES.name)
        if distinct.pairs is not None:
            write_table(distinct.pairs, draft / layout.NEAR_DUPLICATES.name)
        for result in results:
            if (result.folder / _OVERLAY_FILE).exists():
                shutil.copyfile(result.folder / _OVERLAY_FILE, overlays / f"{result.name}.png")
