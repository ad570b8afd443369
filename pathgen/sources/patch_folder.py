"""Folders of labelled images: ``normal/*.png`` and ``tumor/*.png``, the slide id in each file name."""

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pydantic
from pydantic import Field

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of
from pathgen.core.params import Settings
from pathgen.core.progress import tracked
from pathgen.sources.cohort_table import CohortRow, Problem, cohort_table, require_folder
from pathgen.sources.labelled_images import ImageFolder, check_scale, find_images, open_images, read_image
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import PatchBatch, SlideCandidates, Source, labelled_candidates
from pathgen.sources.spelling import composed
from pathgen.wsi.resample import shrink
from pathgen.wsi.settings import AnnotationSettings, IndexSettings

_log = logging.getLogger(__name__)


class PatchFolderSettings(Settings):
    """Sub-section `cohort.patch_folder`."""

    slide_pattern: str = Field(
        description="Regular expression that matches a whole file name; its group `slide` is the slide id, "
        r"e.g. ^(?P<slide>.+?)_\d+_\d+\.png$ for tumor_001_69916_134313.png."
    )
    sides: Literal["equal", "same_area"] = Field(
        default="equal",
        description="equal: images of different sides are refused; same_area: they show areas of one "
        "size. Sides that tell the label are always refused.",
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


def _images(root: Path, slide_pattern: str) -> tuple[pd.DataFrame, ImageFolder, list[Problem]]:
    """List the images by slide and file name.

    The columns are slide, label, and file (path relative to the root).
    """
    pattern = re.compile(composed(slide_pattern))
    found = find_images(root)
    images, problems = [], [Problem(error) for error in found.problems]
    for label, file in found.images:
        match = pattern.fullmatch(composed(file.name)) or pattern.fullmatch(composed(file.stem))
        if match is None or not match["slide"]:
            reason = f"its name does not match {slide_pattern!r}, so its slide is unknown"
            hint = "Rename it, or set cohort.patch_folder.slide_pattern"
            problems.append(Problem(PathgenError(file, reason, hint)))
        else:
            images.append((match["slide"], file.name, label, file.relative_to(root).as_posix()))
    return pd.DataFrame(sorted(images), columns=["slide", "name", "label", "file"]), found, problems


def _digest(files: Iterable[str], contents: Iterable[str]) -> str:
    """Return the digest of a slide's images by their names and digests."""
    digest = hashlib.sha256()
    for file, content in zip(files, contents, strict=True):
        digest.update(f"{file}\n{content}\n".encode())
    return digest.hexdigest()


def _current_digests(
    root: Path, rows: Sequence[Mapping[str, Any]], settings: CohortSettings
) -> dict[str, str]:
    """Return the digests of the images that the slides have now (see `Source`).

    Raises:
        PathgenError: An image cannot be read.
    """
    if not root.is_dir():
        return {}
    images, _, _ = _images(root, settings.own(PatchFolderSettings).slide_pattern)
    used = images[images["slide"].isin([row["slide"] for row in rows])]
    if used.empty:  # a drive that is not mounted
        return {}
    digests = []
    for file in tracked(used["file"], len(used), "images", "compare images with the cohort"):
        try:
            digests.append(sha256_of(root / file))
        except OSError as problem:
            reason = f"cannot be read: {problem.strerror}"
            raise PathgenError(root / file, reason, "Correct its permissions, or copy it again") from None
    by_slide = used.assign(sha256=digests).groupby("slide")
    current = {str(slide): _digest(own["file"], own["sha256"]) for slide, own in by_slide}
    return {row["slide"]: current.get(row["slide"], "no image") for row in rows}


def _slide_row(slide: str, images: pd.DataFrame, is_bad: bool) -> CohortRow:
    sides = images["side_px"].unique()
    size = int(sides[0]) if len(sides) == 1 else None
    return CohortRow(
        slide=slide,
        path=".",
        # Normal patches alone do not prove that the slide has no tumour.
        label="tumor" if (images["label"] == "tumor").any() else None,
        width_px=size,
        height_px=size,
        bytes=int(images["bytes"].sum()),
        sha256=None if is_bad else _digest(images["file"], images["sha256"]),
    )


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Find and decode the images (see `pathgen.sources.source.Source`).

    The pattern is matched against the file name with or without its suffix. The table has one row per slide
    id; width and height are the images', where all agree.

    Raises:
        PathgenErrors: One error per bad file, or per name that does not match.
    """
    require_folder(root)
    own = settings.own(PatchFolderSettings)
    images, found, problems = _images(root, own.slide_pattern)
    if found.unused:
        _log.warning("files and folders that are not used: %s", found.describe_unused())
    listed = zip(images["label"], images["file"], strict=True)
    opened, bad = open_images(root, tracked(listed, len(images), "images", "open images"))
    opened["slide"] = opened["file"].map(images.set_index("file")["slide"])
    used = opened[~opened["slide"].isin(settings.exclude_slides)]
    problems += [Problem(error) for error in check_scale(used, root, own.sides == "same_area")]
    by_slide, rows = dict(list(opened.groupby("slide"))), []
    for slide, of_slide in images.groupby("slide"):
        own_problems = [Problem(bad[file], str(slide)) for file in of_slide["file"] if file in bad]
        problems += own_problems
        rows.append(_slide_row(str(slide), by_slide.get(slide, opened.iloc[:0]), bool(own_problems)))
    return cohort_table(rows, problems, settings, root)


def find_candidates(
    root: Path, row: Mapping[str, Any], settings: CohortSettings, index: IndexSettings
) -> SlideCandidates:
    """List the images of one slide; an item is the rank of the file's name (see `Source`).

    Raises:
        PathgenError: An image cannot be read.
    """
    images, _, _ = _images(root, settings.own(PatchFolderSettings).slide_pattern)
    own = images.loc[images["slide"] == row["slide"], ["label", "file"]]
    return labelled_candidates(row, own, (read_image(root / file).pixels for file in own["file"]))


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
        image = read_image(root / file).pixels
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
    return [file for _, file in find_images(root).images]


SOURCE = Source(
    find_cohort,
    find_candidates,
    read_patches,
    list_files,
    PatchFolderSettings,
    current_digests=_current_digests,
)
