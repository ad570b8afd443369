"""Flag slides with outlines that do not fit, with a picture each, before anything is cut or trained."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image
from shapely.geometry import box

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
# Sources find their cohort in one way, whether pictures are wanted or not.
_pictures: ContextVar[Path | None] = ContextVar("_pictures", default=None)

_MOST_BEYOND_EDGES = 0.25
_PICTURE_SIDE_PX = 1024
# An overview of a large slide takes some 200 MB.
_READ_AT_A_TIME = 4


@contextmanager
def pictures_in(folder: Path) -> Iterator[None]:
    """Write a picture of each slide that is flagged within the context; without one nothing is written.

    Args:
        folder: Folder of the pictures; an older one is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    token = _pictures.set(folder)
    try:
        yield
    finally:
        _pictures.reset(token)


@dataclass(frozen=True)
class OutlinedSlide:
    """A slide with lesions: its completed row, its annotation, and the corner of its bounds, level-0 px."""

    row: CohortRow
    annotations: Annotations
    corner: tuple[int, int]


@dataclass(frozen=True)
class _Compared:
    """The cells of a slide, and the reasons why its outlines do not fit its edges or its tissue."""

    cells: OutlinedCells | None = None
    reasons: tuple[str, ...] = ()


def _overview(
    root: Path, slide: OutlinedSlide, settings: CohortSettings, mpp: float
) -> tuple[Overview, float]:
    """Return an overview of a slide, and the resolution of its level 0, um/px."""
    with open_slide(root / slide.row.path, settings.mpp_if_missing) as opened:
        of_slide = sum(opened.mpp) / 2
        return opened.overview(mpp / of_slide), of_slide


def _compare(root: Path, settings: CohortSettings, slide: OutlinedSlide) -> _Compared:
    """Compare the outlines of a slide with its edges and its tissue."""
    try:
        overview, mpp = _overview(root, slide, settings, CELL_OVERVIEW_MPP)
    except PathgenError:
        return _Compared()  # the stage index refuses it, like damaged slides without outlines
    row, area, reasons = slide.row, slide.annotations.tumor(), []
    inside = area.intersection(box(0, 0, row.width_px or 0, row.height_px or 0)).area
    if inside < (1 - _MOST_BEYOND_EDGES) * area.area:
        reasons.append(f"{1 - inside / area.area:.0%} of the outlined area is beyond the edges")
    cells = outlined_cells(overview, area, mpp, slide.corner, row.exhaustive)
    if cells is not None and (reason := off_tissue(cells)):
        reasons.append(reason)
    return _Compared(cells, tuple(reasons))


def _draw(root: Path, settings: CohortSettings, slide: OutlinedSlide, folder: Path) -> Path:
    """Write a picture of a slide with its tissue and its outlines, and return its path."""
    view, mpp = _overview(root, slide, settings, TISSUE.thumbnail_mpp)
    tissue = find_tissue(view.image, view.coverage, view.downsample, mpp, TISSUE).mask
    drawn = slide.annotations
    lesions, exclusions = (rings(area, view.downsample) for area in (drawn.lesions, drawn.exclusions))
    file = folder / f"{slide.row.slide}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = overlay(view.image, tissue, lesions, exclusions, side_px=_PICTURE_SIDE_PX)
    Image.fromarray(picture).save(file)
    return file


def check_outlines(root: Path, outlined: Sequence[OutlinedSlide], settings: CohortSettings) -> list[Problem]:
    """Compare the outlines of each slide with its edges, its tissue, and the other slides' lesions.

    Args:
        root: Folder of the source.
        outlined: Slides with lesions and usable files.
        settings: Section `cohort`; the slides in ``accepted_outlines`` are not flagged.

    Returns:
        Slides with outlines that do not fit, each with the reason and, within `pictures_in`, the path of a
        picture; none with ``implausible_outlines: warn``, which logs them.
    """
    with ThreadPoolExecutor(_READ_AT_A_TIME) as pool:
        found = pool.map(partial(_compare, root, settings), outlined)
        compared = list(tracked(found, len(outlined), "slides", "compare outlines"))
    cells = {at: each.cells for at, each in enumerate(compared) if each.cells is not None}
    fits = outline_fits(list(cells.values()))
    if outlined and not any(fits):
        _log.info("too few slides have lesions large enough to compare their appearance")
    unlike = implausible(list(cells.values()), fits)
    reasons = {at: unlike[number] for number, at in enumerate(cells) if number in unlike}
    problems = []
    for at, (slide, own) in enumerate(zip(outlined, compared, strict=True)):
        name = slide.row.slide
        faults = [*own.reasons, *([reasons[at]] if at in reasons else [])]
        if faults and name not in settings.accepted_outlines:
            hint = f"Correct the annotation, or add {name} to cohort.accepted_outlines if it is right"
            if folder := _pictures.get():
                hint = f"See the picture {_draw(root, settings, slide, folder)}. {hint}"
            reason = f"does not seem to outline the lesions of {name}: {'; '.join(faults)}"
            error = PathgenError(root / str(slide.row.annotation), reason, hint)
            if settings.implausible_outlines == "warn":
                _log.warning(
                    "%s The outlines are used nevertheless (cohort.implausible_outlines: warn).", error
                )
            else:
                problems.append(Problem(error, name))
    return problems
