"""Build the cohort table from the rows and problems that a source found."""

import csv
import difflib
import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.file_digest import remembered_sha256
from pathgen.core.file_kind import misnamed
from pathgen.core.files import sha256_of
from pathgen.patches.schemas import COHORT, check_table
from pathgen.sources.settings import CohortSettings
from pathgen.sources.spelling import composed
from pathgen.wsi.dicom_series import is_dicom, other_files_of_series

_log = logging.getLogger(__name__)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXCLUDED = "left out by cohort.exclude_slides"


@dataclass(frozen=True)
class CohortRow:
    """One row of the table `COHORT`; unknown values are None."""

    slide: str
    path: str
    annotation: str | None = None
    label: str | None = None
    split: str | None = None
    patient: str | None = None
    exhaustive: bool = True
    width_px: int | None = None
    height_px: int | None = None
    mpp_x: float | None = None
    mpp_y: float | None = None
    levels: int | None = None
    vendor: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    annotation_sha256: str | None = None
    table_sha256: str | None = None
    slide_known: bool = True
    skipped: str | None = None


@dataclass(frozen=True)
class Problem:
    """A problem of one slide, or of the whole source (slide None), which cannot be skipped."""

    error: PathgenError
    slide: str | None = None


def content_digest(path: Path) -> str:
    """Return a digest of every byte of a slide (see `pathgen.core.file_digest.remembered_sha256`).

    Args:
        path: Path of the slide's file.

    Returns:
        SHA-256 of the file. Of a slide of several files, the SHA-256 of all their digests; that of a DICOM
        series does not depend on which of its files is named.

    Raises:
        PathgenError: A file has changed while it was read.
    """
    parts = other_files(path)
    own = remembered_sha256(path)
    if not parts:
        return own
    if is_dicom(path):
        return hashlib.sha256("\n".join(sorted([own, *map(remembered_sha256, parts)])).encode()).hexdigest()
    digest = hashlib.sha256(own.encode())
    for part in parts:
        digest.update(f"\n{part.name} {remembered_sha256(part)}".encode())
    return digest.hexdigest()


def other_files(path: Path) -> list[Path]:
    """Return the further files of a slide, sorted, by the rules of its format.

    Source: https://openslide.org/formats/
    """
    suffix = path.suffix.lower()
    if suffix == ".mrxs":  # the folder of the same name
        folder = path.with_suffix("")
        return sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    if suffix in (".vms", ".vmu"):  # those that its lines "ImageFile=..." name
        text = path.read_text(encoding="latin-1")
        named = {line.partition("=")[2].strip() for line in text.splitlines()} - {""}
        return sorted(file for file in (path.with_name(Path(name).name) for name in named) if file.is_file())
    return other_files_of_series(path) if is_dicom(path) else []


def require_folder(root: Path) -> None:
    """Check that the root is a folder.

    Args:
        root: The setting ``cohort.root``.

    Raises:
        PathgenError: It is missing or not a folder.
    """
    if not root.is_dir():
        reason = "is not a folder" if root.exists() else "no such folder"
        raise PathgenError(root, reason, "Set cohort.root in params.yaml to the folder of the data")


def read_csv(path: Path, hint: str) -> list[list[str]]:
    """Return the lines of a CSV file as stripped cells, with composed accents.

    Args:
        path: Path of the file, in UTF-8.
        hint: What to do if the file is missing.

    Raises:
        PathgenError: The file is missing, or is not CSV.
    """
    try:
        if found := misnamed(path, "TEXT"):
            raise found
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [[composed(cell.strip()) for cell in line] for line in csv.reader(stream, strict=True)]
    except FileNotFoundError:
        raise PathgenError(path, "no such file", hint) from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise PathgenError(path, f"not readable as CSV: {problem}", "Save it as UTF-8 CSV") from None
    for number, cell in ((number, cell) for number, line in enumerate(lines, start=1) for cell in line):
        # An open quotation mark takes all lines up to the next one into its cell.
        if _CONTROL.search(cell):
            reason = f"row {number} has a line break or control character in the cell {cell!r:.60}"
            raise PathgenError(path, reason, "Remove it, or a single quotation mark before it")
    return lines


def repeated_slides(found: Iterable[tuple[str, str]]) -> list[Problem]:
    """Find slide ids that several files have.

    Args:
        found: Pairs of slide id and file.

    Returns:
        One problem per id; it cannot be skipped, since the id is ambiguous.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for slide, file in found:
        files[slide].append(file)
    hint = "Rename or remove one"
    return [
        Problem(PathgenError(names[1], f"has the same slide id {slide} as {names[0]}", hint))
        for slide, names in sorted(files.items())
        if len(names) > 1
    ]


def _same_content(rows: list[CohortRow]) -> list[Problem]:
    """Find copies of a file: the same tissue under two ids could be in two splits."""
    first: dict[str, CohortRow] = {}
    problems = []
    for row in rows:
        if row.sha256 is not None and (other := first.setdefault(row.sha256, row)) is not row:
            reason = f"slide {row.slide} has the same content as {other.slide} ({other.path})"
            problems.append(
                Problem(
                    PathgenError(row.path, reason, "Leave one of the two out: cohort.exclude_slides"),
                    row.slide,
                )
            )
    return problems


def _patients_in_two_splits(rows: list[CohortRow]) -> list[Problem]:
    splits: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.patient and row.split:
            splits[row.patient].add(row.split)
    hint = "Give all slides of a patient the same split"
    return [
        Problem(PathgenError(f"patient {patient}", f"has slides in {' and '.join(sorted(found))}", hint))
        for patient, found in sorted(splits.items())
        if len(found) > 1
    ]


def _unknown(setting: str, slide: str, known: set[str]) -> Problem:
    near = difflib.get_close_matches(slide, known, n=1)
    hint = f"Did you mean {near[0]}" if near else f"The slides are {', '.join(sorted(known)[:5])}, ..."
    return Problem(PathgenError(f"params.yaml: cohort.{setting}", f"no slide {slide!r}", hint))


def _of_annotation(root: Path, row: CohortRow) -> str | None:
    used = row.annotation is not None and not row.skipped
    return sha256_of(root / str(row.annotation)) if used else None


def excluded(rows: Iterable[CohortRow], exclude_slides: Sequence[str]) -> list[CohortRow]:
    """Mark the slides that the settings exclude, so that they are not opened.

    Args:
        rows: One per slide.
        exclude_slides: The setting ``cohort.exclude_slides``.

    Returns:
        The rows, in the same order.
    """
    return [
        replace(row, skipped=row.skipped or _EXCLUDED) if row.slide in exclude_slides else row for row in rows
    ]


def cohort_table(
    rows: list[CohortRow],
    problems: list[Problem],
    settings: CohortSettings,
    root: Path,
    table: Path | None = None,
) -> pd.DataFrame:
    """Build the table, or raise all problems.

    Args:
        rows: One per slide, also for bad ones.
        problems: Problems that were found.
        settings: Section `cohort`. ``on_bad_slide`` stop: raise; skip: note the problems in the slide's
            row. Excluded slides are left out, whatever their problems.
        root: The source's folder.
        table: File that lists or labels the slides, if the source has one.

    Returns:
        Table `COHORT`, sorted by slide. It contains the digests of all annotations and of the table, because
        they decide labels: a changed one runs the stages that follow.

    Raises:
        PathgenErrors: There are problems that cannot be skipped, or no slide is left.
    """
    known = {row.slide for row in rows}
    rows = sorted(excluded(rows, settings.exclude_slides), key=lambda row: row.slide)
    used = [row for row in rows if not row.skipped]
    problems = [*problems, *_same_content(used), *_patients_in_two_splits(used)]
    problems = [problem for problem in problems if problem.slide not in settings.exclude_slides]
    problems += [
        _unknown(setting, slide, known)
        for setting in ("exclude_slides", "accepted_outlines")
        for slide in getattr(settings, setting)
        if slide not in known
    ]
    # The problem of a pair of slides is one error.
    errors = list({str(problem.error): problem.error for problem in problems}.values())
    reasons: dict[str | None, list[str]] = defaultdict(list)
    for problem in problems:
        reasons[problem.slide].append(str(problem.error))
    if None in reasons or (problems and settings.on_bad_slide == "stop"):
        raise PathgenErrors(errors)
    rows = [replace(row, skipped=" ".join(reasons[row.slide]) or row.skipped) for row in rows]
    if all(row.skipped for row in rows):
        hint = "See docs/own-slides.md for the layout of each source"
        raise PathgenErrors([*errors, PathgenError(root, "contains no usable slide", hint)])
    for row in rows:
        if row.skipped:
            _log.warning("slide %s is skipped: %s", row.slide, row.skipped)
    digest = sha256_of(table) if table is not None and table.is_file() else None
    rows = [replace(row, annotation_sha256=_of_annotation(root, row), table_sha256=digest) for row in rows]
    frame = pd.DataFrame([{**vars(row), "source": settings.source} for row in rows])
    return check_table(frame, COHORT, root)
