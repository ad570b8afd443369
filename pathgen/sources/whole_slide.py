"""Functions of all sources of whole slides: check and index slides, read patches."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from shapely.geometry import box

from pathgen.core.errors import PathgenError
from pathgen.core.progress import tracked
from pathgen.patches.schemas import CANDIDATES, check_table
from pathgen.sources.cohort_table import CohortRow, Problem, content_digest, excluded
from pathgen.sources.outline_check import OutlinedSlide, check_outlines
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import PatchBatch, SlideCandidates
from pathgen.wsi import patch_reader
from pathgen.wsi.annotations import Annotations, UnknownGroups, read_annotations, unknown_in_all
from pathgen.wsi.candidates import index_slide
from pathgen.wsi.overlay import overlay
from pathgen.wsi.reader import open_slide
from pathgen.wsi.settings import AnnotationSettings, IndexSettings

_log = logging.getLogger(__name__)

SLIDE_SUFFIXES = (".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".svslide", ".vms", ".vmu", ".bif")
_OVERLAY_SIDE_PX = 1024
# Exclusions are cut-outs: those that remove more than this part of the lesions may be something else.
_MOST_EXCLUDED = 0.5
# Opening a slide mostly waits for the disk or the network.
_OPEN_AT_A_TIME = 8


@dataclass(frozen=True)
class _Checked:
    """An opened slide: its completed row, its annotation, and what is wrong."""

    row: CohortRow
    corner: tuple[int, int] = (0, 0)
    annotations: Annotations | None = None
    problems: list[Problem] = field(default_factory=list)


def _with_facts(
    root: Path, row: CohortRow, mpp_if_missing: float | None
) -> tuple[CohortRow, tuple[int, int]]:
    """Return the completed row and the corner of the slide's bounds."""
    path = root / row.path
    with open_slide(path, mpp_if_missing) as slide:
        slide.check()
    known = replace(
        row,
        width_px=slide.dimensions[0],
        height_px=slide.dimensions[1],
        mpp_x=slide.mpp[0],
        mpp_y=slide.mpp[1],
        levels=len(slide.level_dimensions),
        vendor=slide.vendor,
        bytes=path.stat().st_size,
        sha256=content_digest(path),
    )
    return known, slide.bounds


def _check_annotation(
    root: Path, row: CohortRow, bounds: tuple[int, int], settings: AnnotationSettings
) -> Annotations | None:
    """Read an annotation; check that it fits its slide and does not contradict the label."""
    slide, label = row.slide, row.label
    if row.annotation is None:
        if label == "tumor":
            hint = "Add its annotation, or leave the slide out: it must not count as normal"
            raise PathgenError(root / row.path, f"{slide} is a tumor slide without an annotation", hint)
        return None
    path = root / row.annotation
    found = read_annotations(path, bounds=bounds, **settings.model_dump())
    if label == "tumor" and found.lesions.is_empty:
        hint = "Add the right annotation, or leave the slide out: it must not count as normal"
        raise PathgenError(path, f"outlines no lesion, but {slide} is a tumor slide", hint)
    if label == "normal" and not found.lesions.is_empty:
        raise PathgenError(path, f"outlines lesions, but {slide} is a normal slide", "Correct its label")
    if found.lesions.is_empty:
        return found
    area = found.tumor()
    excluded_part = 1 - area.area / found.lesions.area
    if excluded_part > _MOST_EXCLUDED:
        _log.warning("%s: exclusions remove %.0f %% of the area of its lesions", path, 100 * excluded_part)
    if row.width_px is None or row.height_px is None:
        return found
    on_slide = area.intersection(box(0, 0, row.width_px, row.height_px))
    if on_slide.area < area.area / 2:
        reason = f"most of its lesions lie beyond the edges of {slide}, {row.width_px} x {row.height_px} px"
        raise PathgenError(path, reason, "Add the annotation of this slide, in level-0 px")
    return found


def _same_annotation(root: Path, checked: list[_Checked]) -> list[Problem]:
    """Find annotations that are one file, or outline the same areas, but belong to different slides."""
    sharing: dict[Any, list[CohortRow]] = defaultdict(list)
    for slide in checked:
        row, drawn = slide.row, slide.annotations
        if row.annotation is not None and not row.skipped:
            for key in filter(None, ((root / row.annotation).resolve(), drawn and drawn.digest)):
                sharing[key].append(row)
    problems: dict[str, list[Problem]] = {}
    for rows in sharing.values():
        # Copies of a slide are reported as such.
        if len({row.sha256 or row.slide for row in rows}) > 1:
            names = " and ".join(f"{row.slide} ({row.annotation})" for row in rows)
            reason = f"the slides {names} have the same annotation"
            error = PathgenError(root / str(rows[-1].annotation), reason, "Give each slide its own")
            # It is unknown which slide it belongs to: none of the slides may be used.
            problems[names] = [Problem(error, row.slide) for row in rows]
    return [problem for of_file in problems.values() for problem in of_file]


def _checked(
    root: Path, mpp_if_missing: float | None, annotations: AnnotationSettings, row: CohortRow
) -> _Checked:
    if row.skipped:
        return _Checked(row)
    known, bounds, found, problems = row, (0, 0), None, []
    try:
        known, bounds = _with_facts(root, row, mpp_if_missing)
    except PathgenError as problem:
        problems.append(Problem(problem, row.slide))
    try:
        found = _check_annotation(root, known, bounds, annotations)
    except PathgenError as problem:
        problems.append(Problem(problem, row.slide))
    return _Checked(known, bounds, found, problems)


def check_slides(
    root: Path, listed: list[CohortRow], settings: CohortSettings, annotations: AnnotationSettings
) -> tuple[list[CohortRow], list[Problem]]:
    """Open every slide, parse every annotation, and compare the two.

    Args:
        root: Folder of the source.
        listed: Rows of the slides before they are opened. Excluded slides, and those with a reason in
            `skipped`, are not opened.
        settings: Section `cohort`.
        annotations: Setting ``index.annotations``.

    Returns:
        Rows completed from their files, and all problems. One of them lists the unknown groups of all
        annotations; it is no slide's, since a setting corrects it and leaving slides out does not.
    """
    with ThreadPoolExecutor(_OPEN_AT_A_TIME) as pool:
        wanted = excluded(listed, settings.exclude_slides)
        checked = pool.map(partial(_checked, root, settings.mpp_if_missing, annotations), wanted)
        found = list(tracked(checked, len(listed), "slides", "open slides"))
    problems = [problem for slide in found for problem in slide.problems]
    unknown = [problem.error for problem in problems if isinstance(problem.error, UnknownGroups)]
    problems = [problem for problem in problems if not isinstance(problem.error, UnknownGroups)]
    if unknown:
        problems.append(Problem(unknown_in_all(unknown)))
    problems += _same_annotation(root, found)
    bad = {problem.slide for problem in problems}
    outlined = [
        OutlinedSlide(slide.row, slide.annotations, slide.corner)
        for slide in found
        if slide.row.slide not in bad and slide.annotations and not slide.annotations.lesions.is_empty
    ]
    problems += check_outlines(root, outlined, settings)
    return [slide.row for slide in found], problems


def find_candidates(
    root: Path, row: Mapping[str, Any], settings: CohortSettings, index: IndexSettings
) -> SlideCandidates:
    """Index one slide (see `pathgen.sources.source.Source`).

    `exhaustive` is True if tissue outside the lesions counts as normal: on slides with all lesions outlined,
    and on all slides with ``use_unannotated_tissue``.

    Raises:
        PathgenError: The slide or its annotation cannot be used.
    """
    annotation = None if row["annotation"] is None else root / row["annotation"]
    found = index_slide(root / row["path"], annotation, row["label"], index, settings.mpp_if_missing)
    of_slide = {name: row[name] for name in ("slide", "split", "patient")}
    exhaustive = row["exhaustive"] or settings.use_unannotated_tissue
    candidates = found.candidates.assign(**of_slide, file=row["path"], label=None, exhaustive=exhaustive)
    outlines = (found.lesion_outlines, found.exclusion_outlines)
    picture = overlay(found.thumbnail, found.tissue.mask, *outlines, side_px=_OVERLAY_SIDE_PX)
    facts = {
        "tissue_fraction": found.tissue_fraction,
        "tissue_mm2": found.tissue_mm2,
        "lesion_mm2": found.lesion_mm2,
        **dict(zip(("mean_r", "mean_g", "mean_b"), found.mean_rgb, strict=True)),
        "saturation_threshold": found.tissue.threshold,
        "annotations_dropped": found.annotations_dropped,
    }
    return SlideCandidates(check_table(candidates, CANDIDATES, row["slide"]), picture, facts)


def read_patches(
    root: Path, rows: pd.DataFrame, size_px: int, settings: CohortSettings, threads: int
) -> PatchBatch:
    """Read patches of one slide, in the order of the rows (see `pathgen.sources.source.Source`).

    Raises:
        PathgenError: The slide cannot be opened or a patch cannot be read.
    """
    (file,) = rows["file"].unique()
    places = rows[["x_l0", "y_l0", "size_l0"]].to_numpy(dtype=np.int64)
    found = patch_reader.read_patches(
        root / str(file), places, size_px, mpp_if_missing=settings.mpp_if_missing, threads=threads
    )
    return PatchBatch(found.images, found.method, found.reason, found.incomplete)
