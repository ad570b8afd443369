"""Folders ``normal/`` and ``tumor/`` of images: which files count, and whether they fit together.

The source `patch_folder` and ``pathgen inspect`` share these rules.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.core.labels import LABELS
from pathgen.sources.equal_patches import pixel_digest

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"))
_MOST_PX = 8192**2
_UM_PER_INCH = 25_400
# Resolutions of microscopes, um/px; those of screens and printers (72 to 1,200 dpi) are of no use.
_MICROSCOPE_MPP = (0.05, 10.0)
# Scanners that are all called "40x" differ by a tenth (see `pathgen.wsi.geometry.length_l0`).
_AREA_TOLERANCE = 0.1
# A side's share may differ between the labels by this much, or by this many standard errors.
_SHARE_TOLERANCE, _SHARE_ERRORS = 0.05, 3.0
_NAMED = 3


@dataclass(frozen=True)
class PatchImage:
    """A square image.

    Attributes:
        pixels: uint8 of shape (S, S, 3).
        mpp: Resolution that the file states, um/px; None if it states none of a microscope.
        bytes: Size of the file.
        sha256: Digest of the file, 64 hexadecimal digits.
    """

    pixels: NDArray[np.uint8]
    mpp: float | None
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ImageFolder:
    """Content of a folder with one sub-folder per label.

    Attributes:
        root: The folder.
        images: Label and file of each image, by label, then name.
        unused: Other files and folders.
        problems: Folders that are missing, hold no images, or hold images in sub-folders.
    """

    root: Path
    images: list[tuple[str, Path]]
    unused: list[Path]
    problems: list[PathgenError]

    def describe_unused(self) -> str:
        """Return the number of unused files and folders with the first names, folders first."""
        folders_first = sorted(self.unused, key=lambda path: (not path.is_dir(), path))
        names = [path.relative_to(self.root).as_posix() for path in folders_first[:_NAMED]]
        more = ", ..." if len(self.unused) > _NAMED else ""
        return f"{len(self.unused)} ({', '.join(names)}{more})"


def _holds_images(folder: Path) -> bool:
    return any(file.suffix.lower() in IMAGE_SUFFIXES for file in folder.rglob("*"))


def find_images(root: Path) -> ImageFolder:
    """List the images of each label; nothing is opened.

    Hidden files and folders are unused.

    Args:
        root: Folder with the sub-folders ``normal`` and ``tumor``.
    """
    images: list[tuple[str, Path]] = []
    unused = [entry for entry in root.iterdir() if entry.name not in LABELS]
    problems = []
    for label in LABELS:
        folder = root / label
        if not folder.is_dir():
            hint = "Put the images in one folder for each of: " + ", ".join(LABELS)
            problems.append(PathgenError(folder, "no such folder", hint))
            continue
        before, nested = len(images), False
        with os.scandir(folder) as entries:
            listed = sorted((entry.name, entry.is_dir()) for entry in entries)
        for name, is_folder in listed:
            path = folder / name
            if is_folder and not name.startswith(".") and _holds_images(path):
                nested = True
                reason = "is a folder with images inside the folder of a label, where only files are read"
                hint = (
                    f"Move the images into {folder}, with the slide in their names, or move the folder away"
                )
                problems.append(PathgenError(path, reason, hint))
            elif is_folder or name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
                unused.append(path)
            else:
                images.append((label, path))
        if len(images) == before and not nested:
            hint = "Put the images of the label there"
            problems.append(PathgenError(folder, "contains no images", hint))
    return ImageFolder(root, images, unused, problems)


def read_image(path: Path) -> PatchImage:
    """Read a square RGB image with 8 bits per channel.

    Args:
        path: Path of the file.

    Raises:
        PathgenError: The file is damaged, or is another kind of image.
    """
    reason = None
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            mode, (width, height) = image.mode, image.size
            # Pillow drops the lower bits of other depths. Before it reads, it tells how a pixel is stored.
            layout = image.tile[0].args if image.tile else ""
            stored = layout if isinstance(layout, str) else str((layout or ("",))[0])
            count = getattr(image, "n_frames", 1)
            if mode != "RGB" or width != height:
                reason = f"is {mode} of {width} x {height} px, not a square RGB image"
            elif re.search(r";\d", stored):
                reason = f"stores its channels as {stored.partition(';')[2]}, not in 8 bits each"
            elif count != 1:
                reason = f"holds {count} images, not one"
            elif width * height > _MOST_PX:
                reason = f"has {width:,} x {height:,} px, too many for a patch"
            else:
                _check_sums(content, image.format)
                dpi = float(image.info.get("dpi", (0,))[0])
                pixels = np.asarray(image, dtype=np.uint8)
    except Exception as problem:  # Pillow raises errors of many kinds on damaged files.
        damaged = PathgenError(path, f"not readable as an image: {problem}", "Copy it again, or remove it")
        raise misnamed(path, "PNG", "JPEG", "TIFF") or damaged from None
    if reason is not None:
        raise PathgenError(path, reason, "Convert it, or remove it")
    mpp = _UM_PER_INCH / dpi if dpi > 0 else 0.0
    known_mpp = mpp if _MICROSCOPE_MPP[0] <= mpp <= _MICROSCOPE_MPP[1] else None
    return PatchImage(pixels, known_mpp, len(content), hashlib.sha256(content).hexdigest())


def _check_sums(content: bytes, form: str | None) -> None:
    """Raise an error for damage that Pillow passes over: it shows what it has decoded, or grey."""
    if form == "PNG":
        with Image.open(io.BytesIO(content)) as image:
            image.verify()
    elif form == "JPEG":
        simplejpeg.decode_jpeg(content, strict=True)


def check_scale(images: pd.DataFrame, root: Path, same_area: bool) -> list[PathgenError]:
    """Check that the images show areas of one size, and that their side does not predict their label.

    Args:
        images: Columns label, file (relative to the root), side_px, and mpp (NaN where unknown).
        root: Folder of the images, for messages.
        same_area: Whether images of different sides show areas of the same size.

    Returns:
        One error for sides, one for resolutions that do not fit.
    """
    problems = []
    counts = pd.crosstab(images["side_px"], images["label"]).reindex(columns=list(LABELS), fill_value=0)
    if len(counts) > 1:
        listed = ", ".join(
            f"{side} px ({', '.join(f'{count:,} {label}' for label, count in row.items())})"
            for side, row in counts.iterrows()
        )
        reason = f"contains images of different sides: {listed}"
        cut_again = "Cut all images with one side and one resolution"
        if _differ_by_label(counts):
            reason += "; the side predicts the label"
            problems.append(PathgenError(root, reason, cut_again))
        elif not same_area:
            setting = "cohort.patch_folder.sides to same_area"
            hint = f"{cut_again}; if they show areas of the same size, set {setting}"
            problems.append(PathgenError(root, reason, hint))
    known = images.astype({"mpp": "float64"}).dropna(subset="mpp")
    area = known["side_px"] * known["mpp"]
    if len(known) and area.max() > area.min() * (1 + _AREA_TOLERANCE):
        ends = known.loc[[area.idxmin(), area.idxmax()]]
        (one, other) = (
            f"{row.file} {row.side_px} px at {row.mpp:.3g} um/px"
            for row in ends[["file", "side_px", "mpp"]].itertuples()
        )
        reason = f"contains images of areas of different size by the resolution in the files: {one}, {other}"
        problems.append(PathgenError(root, reason, "Cut all images with one side and one resolution"))
    return problems


def _differ_by_label(counts: pd.DataFrame) -> bool:
    """Return whether a side occurs in one label only, or more often than in the other beyond chance."""
    totals = counts.sum()
    if (totals == 0).any():
        return False
    share = counts / totals
    difference = (share[LABELS[0]] - share[LABELS[1]]).abs()
    overall = counts.sum(axis=1) / totals.sum()
    error = np.sqrt(overall * (1 - overall) * (1 / totals).sum())
    beyond = (difference > _SHARE_TOLERANCE) & (difference > _SHARE_ERRORS * error)
    return bool((counts == 0).any(axis=None) or beyond.any())


def open_images(
    root: Path, images: Iterable[tuple[str, str]]
) -> tuple[pd.DataFrame, dict[str, PathgenError]]:
    """Decode all images, so that a bad one is found now.

    Args:
        root: Folder of the images.
        images: Label and file (relative to the root) of each.

    Returns:
        The readable images, with columns label, file, side_px, mpp, pixels (`pixel_digest`), bytes and
        sha256; and by file the problem of those that are unreadable, or have the pixels of an image of the
        other label.
    """
    facts, problems = [], {}
    first: dict[int, tuple[str, str]] = {}
    for label, file in images:
        path = root / file
        try:
            image = read_image(path)
        except PathgenError as problem:
            problems[file] = problem
            continue
        pixels = pixel_digest(image.pixels)
        other_label, other = first.setdefault(pixels, (label, file))
        if other_label != label:
            for one, twin in ((file, other), (other, file)):
                reason = f"has the same pixels as {twin}, which has another label"
                problems[one] = PathgenError(root / one, reason, "Remove the one with the wrong label")
        facts.append((label, file, len(image.pixels), image.mpp, pixels, image.bytes, image.sha256))
    columns = ["label", "file", "side_px", "mpp", "pixels", "bytes", "sha256"]
    return pd.DataFrame(facts, columns=columns), problems
