"""Name slides whose outlines do not fit them, with a picture each, before anything is cut or trained."""

import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image
from shapely.geometry import box

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.progress import tracked
from pathgen.sources.cohort_table import CohortRow, Problem
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.annotations import Annotations
from pathgen.wsi.candidates import rings
from pathgen.wsi.outline_cells import CELL_OVERVIEW_MPP, TISSUE, OutlinedCells, outlined_cells
from pathgen.wsi.outline_fit import implausible, off_tissue, outline_fits
from pathgen.wsi.overlay import overlay
from pathgen.wsi.reader import Overview, open_slide
from pathgen.wsi.tissue import find_tissue

_log = logging.getLogger(__name__)

_MOST_BEYOND_EDGES = 0.25
_PICTURE_SIDE_PX = 1024
# An overview of a large slide takes some 200 MB.
_READ_AT_A_TIME = 4


@dataclass(frozen=True)
class OutlinedSlide:
    """A slide with lesions: its completed row, its annotation, and the corner of its bounds, level-0 px."""

    row: CohortRow
    annotations: Annotations
    corner: tuple[int, int]


@dataclass(frozen=True)
class _Look:
    """What a slide's own thumbnail says of its outlines."""

    cells: OutlinedCells | None = None
    reasons: tuple[str, ...] = ()


def _overview(
    root: Path, slide: OutlinedSlide, settings: CohortSettings, mpp: float
) -> tuple[Overview, float]:
    """Return an overview of a slide, and the resolution of its level 0, um/px."""
    with open_slide(root / slide.row.path, settings.mpp_if_missing) as opened:
        of_slide = sum(opened.mpp) / 2
        return opened.overview(mpp / of_slide), of_slide


def _look(root: Path, settings: CohortSettings, slide: OutlinedSlide) -> _Look:
    """Compare the outlines of a slide with its edges and its tissue."""
    try:
        overview, mpp = _overview(root, slide, settings, CELL_OVERVIEW_MPP)
    except PathgenError:
        return _Look()  # the stage index refuses it, like damaged slides without outlines
    row, area, reasons = slide.row, slide.annotations.tumor(), []
    inside = area.intersection(box(0, 0, row.width_px or 0, row.height_px or 0)).area
    if inside < (1 - _MOST_BEYOND_EDGES) * area.area:
        reasons.append(f"{1 - inside / area.area:.0%} of the outlined area is beyond the edges")
    cells = outlined_cells(overview, area, mpp, slide.corner, row.exhaustive)
    if cells is not None and (reason := off_tissue(cells)):
        reasons.append(reason)
    return _Look(cells, tuple(reasons))


def _draw(root: Path, settings: CohortSettings, slide: OutlinedSlide) -> Path:
    """Write a picture of a slide with its tissue and its outlines, and return its path."""
    view, mpp = _overview(root, slide, settings, TISSUE.thumbnail_mpp)
    tissue = find_tissue(view.image, view.coverage, view.downsample, mpp, TISSUE).mask
    drawn = slide.annotations
    lesions, exclusions = (rings(area, view.downsample) for area in (drawn.lesions, drawn.exclusions))
    file = layout.IMPLAUSIBLE_OUTLINES / f"{slide.row.slide}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = overlay(view.image, tissue, lesions, exclusions, side_px=_PICTURE_SIDE_PX)
    Image.fromarray(picture).save(file)
    return file


def check_outlines(root: Path, outlined: Sequence[OutlinedSlide], settings: CohortSettings) -> list[Problem]:
    """Compare the outlines of each slide with its edges, its tissue, and the other slides' lesions.

    Args:
        root: Folder of the source.
        outlined: Slides with lesions, whose files can be used.
        settings: Section `cohort`; of the slides in ``accepted_outlines`` nothing is named.

    Returns:
        Slides whose outlines do not fit, each with the reason and the path of a picture; none with
        ``implausible_outlines: warn``, which logs them.
    """
    shutil.rmtree(layout.IMPLAUSIBLE_OUTLINES, ignore_errors=True)
    with ThreadPoolExecutor(_READ_AT_A_TIME) as pool:
        found = pool.map(partial(_look, root, settings), outlined)
        looks = list(tracked(found, len(outlined), "slides", "compare outlines"))
    cells = {at: look.cells for at, look in enumerate(looks) if look.cells is not None}
    fits = outline_fits(list(cells.values()))
    if outlined and not any(fits):
        _log.info("too few slides have lesions large enough to compare their look")
    unlike = implausible(list(cells.values()), fits)
    reasons = {at: unlike[number] for number, at in enumerate(cells) if number in unlike}
    problems = []
    for at, (slide, look) in enumerate(zip(outlined, looks, strict=True)):
        name = slide.row.slide
        faults = [*look.reasons, *([reasons[at]] if at in reasons else [])]
        if faults and name not in settings.accepted_outlines:
            picture = _draw(root, settings, slide)
            hint = f"Look at {picture}; correct it, or name {name} in cohort.accepted_outlines if it is right"
            reason = f"does not seem to outline the lesions of {name}: {'; '.join(faults)}"
            error = PathgenError(root / str(slide.row.annotation), reason, hint)
            if settings.implausible_outlines == "warn":
                _log.warning("%s", error)
            else:
                problems.append(Problem(error, name))
    return problems
