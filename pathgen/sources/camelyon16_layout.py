"""Slides in the folders of Camelyon16; slides, annotations and labels are paired by slide id."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.sources.cohort_table import (
    CohortRow,
    Problem,
    cohort_table,
    read_csv,
    repeated_slides,
    require_folder,
)
from pathgen.sources.settings import CohortSettings
from pathgen.sources.whole_slide import check_slides
from pathgen.wsi.settings import AnnotationSettings

_log = logging.getLogger(__name__)

_SLIDE_FOLDERS = {"normal": "training/normal", "tumor": "training/tumor", "test": "testing/images"}
_ANNOTATION_FOLDERS = ("lesion_annotations", "training/lesion_annotations", "testing/lesion_annotations")
#: The labels of the test slides, relative to the root.
REFERENCE_FILE = "testing/reference.csv"

_SUFFIXES = (".tif", ".tiff")
_NAME = re.compile(r"(normal|tumor|test)_(\d{3})", re.IGNORECASE)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        file for file in folder.iterdir() if file.suffix.lower() in suffixes and not file.name.startswith(".")
    )


def _slides(root: Path) -> tuple[dict[str, str], list[Problem]]:
    """Return slide id -> path relative to the root."""
    found, problems = [], []
    for kind, folder in _SLIDE_FOLDERS.items():
        for file in _files(root / folder, _SUFFIXES):
            match = _NAME.fullmatch(file.stem)
            if match is None or match[1].lower() != kind:
                reason = f"is not named like a slide of {folder}: {kind}_001.tif"
                problems.append(Problem(PathgenError(file, reason, "Rename it, or move it out")))
            else:
                found.append((file.stem.lower(), file.relative_to(root).as_posix()))
    return dict(found), problems + repeated_slides(found)


def _annotations(root: Path, slides: dict[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Return slide id -> path relative to the root."""
    found = [
        (file.stem.lower(), file.relative_to(root).as_posix())
        for folder in _ANNOTATION_FOLDERS
        for file in _files(root / folder, (".xml",))
    ]
    if without := sorted(slide for slide, _ in found if slide not in slides):
        _log.warning("%d annotations have no slide, e.g. %s", len(without), without[0])
    return dict(found), repeated_slides(found)


def _reference(root: Path) -> dict[str, str]:
    """Return test slide id -> label."""
    path = root / REFERENCE_FILE
    hint = "Put the data set's reference.csv there: it contains the labels of the test slides"
    labels: dict[str, str] = {}
    for number, cells in enumerate(filter(any, read_csv(path, hint)), start=1):
        name = cells[0].lower().removesuffix(".tif")
        if not _NAME.fullmatch(name):
            if number == 1:
                continue
            raise PathgenError(path, f"row {number} does not name a slide: {cells[0]!r}", "Correct the row")
        label = cells[1].lower() if len(cells) > 1 else ""
        if label not in ("normal", "tumor"):
            raise PathgenError(path, f"{name} is {label!r}, not Normal or Tumor", "Correct the row")
        if labels.setdefault(name, label) != label:
            raise PathgenError(path, f"{name} is listed as normal and as tumor", "Correct the rows")
    return labels


def find_in_layout(
    root: Path,
    settings: CohortSettings,
    annotations: AnnotationSettings,
    not_exhaustive: frozenset[str],
    withdrawn: Mapping[str, str],
) -> pd.DataFrame:
    """Find slides in Camelyon16's layout (see `find_cohort`).

    Args:
        root: Folder of the data set.
        settings: Section `cohort`.
        annotations: Setting ``index.annotations``.
        not_exhaustive: Slides on which not all lesions are outlined.
        withdrawn: Slides that are not used, with the reason.

    Returns:
        Table `COHORT`. Training slides have the official split train; valid is sampled from it later.

    Raises:
        PathgenErrors: One error per problem; every slide was opened, every annotation parsed.
    """
    require_folder(root)
    slides, problems = _slides(root)
    if not slides and not problems:
        where = ", ".join(_SLIDE_FOLDERS.values())
        hint = "Set cohort.root in params.yaml to the folder that contains training/ and testing/"
        raise PathgenError(root, f"contains no slides in {where}", hint)
    outlines, more = _annotations(root, slides)
    problems += more
    reference = None
    if any(slide.startswith("test") for slide in slides):
        try:
            reference = _reference(root)
        except PathgenError as problem:
            problems.append(Problem(problem))
    listed = []
    for slide, path in sorted(slides.items()):
        kind = slide.split("_")[0]
        label = (reference or {}).get(slide) if kind == "test" else kind
        if label is None and reference is not None and slide not in withdrawn:
            reason = f"{slide} has no row in {REFERENCE_FILE}"
            problems.append(Problem(PathgenError(root / path, reason, "Add its row"), slide))
        listed.append(
            CohortRow(
                slide=slide,
                path=path,
                annotation=outlines.get(slide),
                label=label,
                split="test" if kind == "test" else "train",
                exhaustive=slide not in not_exhaustive,
                skipped=withdrawn.get(slide),
            )
        )
    rows, bad = check_slides(root, listed, settings, annotations)
    return cohort_table(rows, problems + bad, settings, root, root / REFERENCE_FILE)


def list_files(root: Path, settings: CohortSettings) -> list[Path]:
    """List the slides without opening any (see `pathgen.sources.source.Source`)."""
    del settings
    return [file for folder in _SLIDE_FOLDERS.values() for file in _files(root / folder, _SUFFIXES)]
