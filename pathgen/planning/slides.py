"""How many slides, or files of patches, a study has and how large they are, without opening any."""

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.sources.camelyon16 import SLIDE_FOLDERS
from pathgen.sources.cohort import require_folder
from pathgen.sources.settings import CohortSettings

# Of the default phantom's slides: 44.2 MB for 13 slides of 3072 x 3072 px, pyramids and outlines included.
PHANTOM_BYTES_PER_PX = 0.36


@dataclass(frozen=True)
class Slides:
    """The data that a study begins with.

    Attributes:
        count: Slides; files of patches where the source has no slides.
        size: Bytes in all.
        drawn_px: Pixels that the first stage draws; 0 for data that is there already.
        problem: Why they could not be listed; count and size are then 0.
        missing: Slides that a table names and whose file is not there; not counted.
    """

    count: int
    size: int
    drawn_px: int = 0
    problem: PathgenError | None = None
    missing: tuple[str, ...] = ()


def list_slides(settings: CohortSettings, root: Path) -> Slides:
    """List a study's slides by their names alone.

    Args:
        settings: The section `cohort`.
        root: The checkout; a relative `cohort.root` starts there.

    Returns:
        What was found; expected, for the phantom.
    """
    phantom = settings.phantom
    if settings.source == "phantom" and phantom is not None:
        count = (
            phantom.normal_slides
            + phantom.tumor_slides
            + phantom.test_normal_slides
            + phantom.test_tumor_slides
        )
        px = count * phantom.width_px * phantom.height_px
        return Slides(count, round(px * PHANTOM_BYTES_PER_PX), drawn_px=px)
    folder = root / settings.folder
    try:
        require_folder(folder)
        files = _LISTED[settings.source](folder, settings)
    except PathgenError as problem:
        return Slides(0, 0, problem=problem)
    wanted = [file for file in files if file.stem not in settings.exclude_slides]
    there = [file for file in wanted if file.is_file()]
    # Files of the other sources were found, not named.
    gone = [file for file in wanted if not file.is_file()] if settings.source == "slides" else []
    missing = tuple(os.path.relpath(file, folder) for file in gone)
    return Slides(len(there), sum(file.stat().st_size for file in there), missing=missing)


def _of_camelyon16(folder: Path, _: CohortSettings) -> list[Path]:
    return [file for place in SLIDE_FOLDERS.values() for file in sorted((folder / place).glob("*.tif*"))]


def _of_table(folder: Path, settings: CohortSettings) -> list[Path]:
    assert settings.slides is not None, "checked by CohortSettings"
    table = folder / settings.slides.table
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise PathgenError(
            table, "cannot be read as CSV", "Write it, with the columns slide, label"
        ) from None
    return [folder / row["slide"].strip() for row in rows if row.get("slide")]


def _of_pcam(folder: Path, _: CohortSettings) -> list[Path]:
    return sorted(folder.glob("camelyonpatch_level_2_split_*_[xy].h5"))


def _of_patches(folder: Path, _: CohortSettings) -> list[Path]:
    return [file for label in LABELS for file in (folder / label).glob("[!.]*")]


_LISTED: dict[str, Callable[[Path, CohortSettings], list[Path]]] = {
    "camelyon16": _of_camelyon16,
    "slides": _of_table,
    "pcam": _of_pcam,
    "patches": _of_patches,
}
