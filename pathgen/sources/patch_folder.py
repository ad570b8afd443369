"""Folders of labelled images: ``normal/*.png`` and ``tumor/*.png``, the slide id in each file name."""

import hashlib
import logging
import re
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.core.files import sha256_of
from pathgen.core.labels import LABELS
from pathgen.core.params import Settings
from pathgen.core.progress import tracked
from pathgen.sources.cohort_table import CohortRow, Problem, cohort_table, require_folder
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import PatchBatch, SlideCandidates, Source, labelled_candidates
from pathgen.wsi.resample import shrink
from pathgen.wsi.settings import AnnotationSettings, IndexSettings

_log = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"))
# What Pillow raises on damaged files of these formats.
_UNREADABLE = (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)


class PatchFolderSettings(Settings):
    """Sub-section `cohort.patch_folder`."""

    slide_pattern: str = Field(
        description="Regular expression that matches a whole file name; its group `slide` is the slide id, "
        r"e.g. ^(?P<slide>.+?)_\d+_\d+\.png$ for tumor_001_69916_134313.png."
    )

    @pydantic.model_validator(mode="after")
    def _check_pattern(self) -> "PatchFolderSettings":
        try:
            groups = re.compile(self.slide_pattern).groupindex
        except re.error as problem:
            raise ValueError(f"slide_pattern is not a regular expression: {problem}") from None
        if "slide" not in groups:
            raise ValueError("slide_pattern has no group (?P<slide>...)")
        return self


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return a square RGB image, uint8 of shape (S, S, 3).

    Args:
        path: Path of the file.

    Raises:
        PathgenError: The file is damaged or not a square RGB image.
    """
    try:
        with Image.open(path) as image:
            mode, (width, height) = image.mode, image.size
            pixels = np.asarray(image, dtype=np.uint8) if mode == "RGB" and width == height else None
    except _UNREADABLE as problem:
        damaged = PathgenError(path, f"not readable as an image: {problem}", "Copy it again, or remove it")
        raise misnamed(path, "PNG", "JPEG", "TIFF") or damaged from None
    if pixels is None:
        reason = f"is {mode} of {width} x {height} px, not a square RGB image"
        raise PathgenError(path, reason, "Convert it, or remove it")
    return pixels


def _pictures(root: Path, slide_pattern: str, containing: str = "") -> tuple[pd.DataFrame, list[Problem]]:
    """List the images, those `containing` a text in their name, by slide and file name.

    The columns are slide, label, and file (path relative to the root).
    """
    pattern = re.compile(slide_pattern)
    pictures, problems, others = [], [], []
    for label in LABELS:
        folder = root / label
        if not folder.is_dir():
            hint = "Put the images in one folder for each of: " + ", ".join(LABELS)
            problems.append(Problem(PathgenError(folder, "no such folder", hint)))
            continue
        for file in sorted(folder.iterdir()):
            if containing not in file.name:
                continue
            if file.suffix.lower() not in IMAGE_SUFFIXES or file.name.startswith("."):
                others.append(file)
                continue
            match = pattern.fullmatch(file.name) or pattern.fullmatch(file.stem)
            if match is None or not match["slide"]:
                reason = f"its name does not match {slide_pattern!r}, so its slide is unknown"
                problems.append(
                    Problem(PathgenError(file, reason, "Rename it, or set cohort.patch_folder.slide_pattern"))
                )
            else:
                pictures.append((match["slide"], file.name, label, file.relative_to(root).as_posix()))
    if others:
        _log.warning("%d files are not images and are not used, e.g. %s", len(others), others[0])
    return pd.DataFrame(sorted(pictures), columns=["slide", "name", "label", "file"]), problems


def _slide_row(
    root: Path, slide: str, pictures: pd.DataFrame, seen: dict[str, str]
) -> tuple[CohortRow, list[Problem]]:
    """Decode all images of a slide, so that a bad one is found now; `seen` maps content to file."""
    problems, sizes = [], set()
    digest, total = hashlib.sha256(), 0
    for file in pictures["file"]:
        path = root / file
        try:
            sizes.add(len(read_image(path)))
        except PathgenError as problem:
            problems.append(Problem(problem, slide))
            continue
        content = sha256_of(path)
        if (other := seen.setdefault(content, file)) != file:
            # The copies could be a member and a non-member, or tumor and normal.
            twin = PathgenError(path, f"has the same content as {other}", "Remove one of the two")
            problems.append(Problem(twin, slide))
        total += path.stat().st_size
        digest.update(f"{file}\n{content}\n".encode())
    size = sizes.pop() if len(sizes) == 1 else None
    row = CohortRow(
        slide=slide,
        path=".",
        # Normal patches alone do not prove that the slide has no tumour.
        label="tumor" if (pictures["label"] == "tumor").any() else None,
        width_px=size,
        height_px=size,
        bytes=total,
        sha256=digest.hexdigest() if not problems else None,
    )
    return row, problems


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Find and decode the images (see `pathgen.sources.source.Source`).

    The pattern is matched against the file name with or without its suffix. The table has one row per slide
    id; width and height are the images', where all agree.

    Raises:
        PathgenErrors: One error per bad file, or per name that does not match.
    """
    require_folder(root)
    pictures, problems = _pictures(root, settings.own(PatchFolderSettings).slide_pattern)
    if pictures.empty and not problems:
        raise PathgenError(root, "contains no images in normal/ and tumor/", "Correct cohort.root")
    rows = []
    seen: dict[str, str] = {}
    slides = pictures.groupby("slide")
    for slide, of_slide in tracked(slides, len(slides), "slides", "open images"):
        row, bad = _slide_row(root, str(slide), of_slide, seen)
        rows.append(row)
        problems += bad
    return cohort_table(rows, problems, settings, root)


def find_candidates(
    root: Path, row: Mapping[str, Any], settings: CohortSettings, index: IndexSettings
) -> SlideCandidates:
    """List the images of one slide; an item is the rank of the file's name (see `Source`)."""
    pictures, _ = _pictures(root, settings.own(PatchFolderSettings).slide_pattern, containing=row["slide"])
    return labelled_candidates(row, pictures.loc[pictures["slide"] == row["slide"], ["label", "file"]])


def read_patches(
    root: Path, rows: pd.DataFrame, size_px: int, settings: CohortSettings, threads: int
) -> PatchBatch:
    """Read images, averaged down to size, in the order of the rows (see `Source`).

    Raises:
        PathgenError: An image cannot be read, or its side is not a multiple of `size_px`.
    """
    del settings
    images = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)

    def read(number: int, file: str) -> None:
        image = read_image(root / file)
        if len(image) % size_px:
            reason = f"has {len(image)} px, not a multiple of the {size_px} px of the output"
            raise PathgenError(root / file, reason, "Change extract.size_px, or resize the images")
        images[number] = shrink(image, size_px)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, range(len(rows)), rows["file"]))
    return PatchBatch(images)


def list_files(root: Path, settings: CohortSettings) -> list[Path]:
    """List the files of both classes without opening any (see `pathgen.sources.source.Source`)."""
    del settings
    return [file for label in LABELS for file in sorted((root / label).glob("[!.]*"))]


SOURCE = Source(find_cohort, find_candidates, read_patches, list_files, PatchFolderSettings)
