"""Any folder of whole slides, listed in a CSV file."""

import logging
from pathlib import Path

import pandas as pd
from pydantic import Field

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.labels import LABELS
from pathgen.core.params import Settings
from pathgen.patches.schemas import SPLITS
from pathgen.sources.cohort_table import (
    CohortRow,
    Problem,
    cohort_table,
    read_csv,
    repeated_slides,
    require_folder,
)
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source
from pathgen.sources.spelling import as_on_disk, composed
from pathgen.sources.whole_slide import SLIDE_SUFFIXES, check_slides, find_candidates, read_patches
from pathgen.wsi.settings import AnnotationSettings

_log = logging.getLogger(__name__)


class SlideCsvSettings(Settings):
    """Sub-section `cohort.slide_csv`."""

    table: str = Field(min_length=1, description="Name of the CSV file that lists the slides, in the root.")


_NEEDED = ("slide", "label")
_OPTIONAL = ("annotation", "split", "patient", "exhaustive")
_YES_NO = {"": True, "yes": True, "no": False}
_VALUES = {"label": LABELS, "split": ("", *SPLITS), "exhaustive": tuple(_YES_NO)}
_NAMED_AT_MOST = 5


def _table(settings: CohortSettings) -> str:
    return settings.own(SlideCsvSettings).table


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Return the CSV file's rows, every cell stripped, every optional column there."""
    lines = read_csv(path, "Write it, with the columns slide, label, ...")
    header = lines[0] if lines else []
    absent = [name for name in _NEEDED if name not in header]
    unknown = [name for name in header if name not in (*_NEEDED, *_OPTIONAL)]
    if absent or unknown or len(set(header)) != len(header):
        reason = f"has the columns {', '.join(header) or 'none'}"
        hint = (
            f"Its first line names {', '.join(_NEEDED)} and, if wanted, {', '.join(_OPTIONAL)}, with commas"
        )
        raise PathgenError(path, reason, hint)
    problems, rows = [], []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(header):
            reason = f"line {number} has {len(cells)} cells instead of {len(header)}"
            problems.append(PathgenError(path, reason, "Correct the line; quote cells that hold commas"))
            continue
        rows.append(dict.fromkeys(_OPTIONAL, "") | dict(zip(header, cells, strict=True)))
    if problems:
        raise PathgenErrors(problems)
    if not rows:
        raise PathgenError(path, "contains no row", "Add one line per slide")
    return rows


def _listed(root: Path, table: Path, cells: dict[str, str]) -> tuple[CohortRow, list[Problem]]:
    """Return the slide of one line and its problems; a slide outside the root is not to be opened."""
    slide = Path(cells["slide"]).stem
    problems = []
    for name in [cells["slide"], *filter(None, [cells["annotation"]])]:
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            hint = "Write a path inside cohort.root, relative to it"
            error = PathgenError(table, f"{slide or 'a row'}: path {name!r}", hint)
            problems.append(Problem(error, slide or None))
    outside = " ".join(str(problem.error) for problem in problems)
    for column, values in _VALUES.items():
        if cells[column] not in values:
            hint = f"Write one of: {', '.join(value or 'nothing' for value in values)}"
            error = PathgenError(table, f"{slide}: {column} is {cells[column]!r}", hint)
            problems.append(Problem(error, slide))
    row = CohortRow(
        slide=slide,
        path=cells["slide"] if outside else as_on_disk(root, cells["slide"]),
        annotation=None if outside else as_on_disk(root, cells["annotation"]) or None,
        label=cells["label"] if cells["label"] in LABELS else None,
        split=cells["split"] if cells["split"] in SPLITS else None,
        patient=cells["patient"] or None,
        exhaustive=_YES_NO.get(cells["exhaustive"], False),
        skipped=outside or None,
    )
    return row, problems


def _warn_of_unlisted(root: Path, rows: list[CohortRow]) -> None:
    found = {
        file.relative_to(root).as_posix()
        for file in root.rglob("[!.]*")
        if file.suffix.lower() in SLIDE_SUFFIXES
    }
    listed = {composed(row.path) for row in rows}
    if others := sorted(path for path in found if composed(path) not in listed):
        more = ", ..." if len(others) > _NAMED_AT_MOST else ""
        names = ", ".join(others[:_NAMED_AT_MOST])
        _log.warning("%d slide files in %s are not listed and not used: %s%s", len(others), root, names, more)


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Find the slides of a CSV file (see `pathgen.sources.source.Source`).

    Columns: ``slide`` (path relative to the root) and ``label`` (normal or tumor, of the whole slide);
    optional ``annotation`` (path of its ASAP XML or QuPath GeoJSON), ``split`` (train, valid, test; empty
    is sampled), ``patient``, ``exhaustive`` (no if not all lesions are outlined; empty is yes). The slide id
    is the file's name without its suffix.

    Raises:
        PathgenErrors: One error per problem; all rows are checked, all files opened.
    """
    require_folder(root)
    table = root / _table(settings)
    listed = [_listed(root, table, cells) for cells in _read_rows(table)]
    rows = [row for row, _ in listed]
    problems = [problem for _, found in listed for problem in found]
    problems += repeated_slides((row.slide, row.path) for row in rows)
    _warn_of_unlisted(root, rows)
    opened, bad = check_slides(root, rows, settings, annotations)
    return cohort_table(opened, problems + bad, settings, root, table)


def list_files(root: Path, settings: CohortSettings) -> list[Path]:
    """List the slides of the table without opening any (see `pathgen.sources.source.Source`)."""
    return [root / as_on_disk(root, row["slide"]) for row in _read_rows(root / _table(settings))]


SOURCE = Source(
    find_cohort,
    find_candidates,
    read_patches,
    list_files,
    SlideCsvSettings,
    table=_table,
    has_slides=True,
)
