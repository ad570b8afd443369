"""PatchCamelyon: HDF5 files of labelled 96 px patches at 10x, with official splits and no slide ids."""

import itertools
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.core.labels import LABELS
from pathgen.core.params import Settings
from pathgen.patches.schemas import SPLITS
from pathgen.sources.cohort_table import CohortRow, Problem, cohort_table, content_digest, require_folder
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import PatchBatch, SlideCandidates, Source, labelled_candidates
from pathgen.wsi.resample import shrink
from pathgen.wsi.settings import AnnotationSettings, IndexSettings

_log = logging.getLogger(__name__)


class PcamSettings(Settings):
    """Sub-section `cohort.pcam`."""

    crop_px: int = Field(
        ge=8, le=96, description="Side of the centre of the 96 px patches that is used; 96 uses all, px."
    )


# The time of an HDF5 read grows with the square of the number of requested rows.
_READ_ROWS = 128
_MOST_ROWS = 4096
# Two splits of 32 balanced labels in random order have the same with a probability of 2e-9.
_MANY = 32
# Number of patches of two splits that are compared.
_COMPARED = 16
# What h5py raises on damaged files.
_UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)
_UNREADABLE_PART = (OSError, RuntimeError)
_DAMAGED = "Download it again, unpack it if it ends in .gz, and compare its checksum"


def _name(split: str, part: str) -> str:
    return f"camelyonpatch_level_2_split_{split}_{part}.h5"


@contextmanager
def open_array(path: Path, key: str) -> Iterator["h5py.Dataset"]:
    """Open one array of an HDF5 file.

    Args:
        path: Path of the file.
        key: Name of the array, ``x`` (patches) or ``y`` (labels).

    Yields:
        The array.

    Raises:
        PathgenError: The file is missing or damaged, or has no such array, or the array is in another one.
    """
    if not path.is_file():
        raise PathgenError(path, "no such file", "Download PatchCamelyon, and unpack the .gz files")
    try:
        file = h5py.File(path, "r")
    except _UNREADABLE as problem:
        raise _damaged(path, problem) from None
    with file:
        try:
            array = file.get(key)
            if not isinstance(array, h5py.Dataset):
                raise PathgenError(path, f"contains no array {key!r}", _DAMAGED)
            elsewhere = array.is_virtual or array.external or Path(array.file.filename) != path
        except _UNREADABLE as problem:
            raise _damaged(path, problem) from None
        if elsewhere:
            reason = f"its array {key!r} is stored in other files"
            raise PathgenError(path, reason, "Write a file that holds the array itself")
        try:
            yield array
        except _UNREADABLE_PART as problem:
            raise _damaged(path, problem) from None


def _damaged(path: Path, problem: Exception) -> PathgenError:
    return misnamed(path, "HDF5") or PathgenError(path, f"not readable as HDF5: {problem}", _DAMAGED)


def _check_stored(path: Path, key: str, array: "h5py.Dataset") -> None:
    """Refuse an array with missing parts, which HDF5 reads as zeros."""
    if array.chunks:
        starts = [range(0, side, chunk) for side, chunk in zip(array.shape, array.chunks, strict=True)]
        expected, there, unit = math.prod(map(len, starts)), array.id.get_num_chunks(), "chunks"
        if there >= expected:
            # A damaged index counts and lists chunks that it does not find.
            there = sum(_is_found(array, start) for start in itertools.product(*starts))
    else:
        expected, there, unit = array.nbytes, array.id.get_storage_size(), "bytes"
    if there < expected:
        reason = f"holds {there:,} of the {expected:,} {unit} of its array {key!r}"
        raise PathgenError(path, reason, _DAMAGED)


def _is_found(array: "h5py.Dataset", start: tuple[int, ...]) -> bool:
    try:
        array.id.read_direct_chunk(start)
    except RuntimeError:
        return False
    return True


def read_labels(path: Path) -> NDArray[np.int64]:
    """Return the labels as class indices, int64 of shape (N,).

    Args:
        path: Path of the file of labels.

    Raises:
        PathgenError: The file is damaged or does not contain one 0 or 1 per patch.
    """
    with open_array(path, "y") as array:
        _check_stored(path, "y", array)
        values = np.asarray(array[...])
    one_each = values.ndim > 0 and values.size == len(values)
    if not one_each or values.dtype.kind not in "iub" or not set(np.unique(values)) <= {0, 1}:
        raise PathgenError(path, f"y of shape {values.shape} does not contain one 0 or 1 per patch", _DAMAGED)
    return values.reshape(-1).astype(np.int64)


def patches_shape(path: Path) -> tuple[int, ...]:
    """Return the shape of an intact array of patches, (N, S, S, 3).

    Args:
        path: Path of the file of patches.

    Raises:
        PathgenError: The file is damaged or does not contain square RGB patches.
    """
    with open_array(path, "x") as array:
        shape, dtype = tuple(array.shape), array.dtype
        _check_stored(path, "x", array)
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3 or dtype != np.uint8:
            raise PathgenError(path, f"x is {dtype} of shape {shape}, not uint8 of (N, S, S, 3)", _DAMAGED)
        if shape[0]:
            # The last patch is stored last: reading it finds a file that was cut off.
            array[-1]
    return shape


def _checked(root: Path, row: CohortRow, crop_px: int) -> CohortRow:
    """Check that the files of a split are intact, of the expected form, and match."""
    path = root / row.path
    shape = patches_shape(path)
    if crop_px > shape[1] or (shape[1] - crop_px) % 2:
        hint = "Set cohort.pcam.crop_px to an even number of pixels less than that"
        raise PathgenError(path, f"patches of {shape[1]} px have no centre of {crop_px} px", hint)
    labels = read_labels(root / str(row.annotation))
    if len(labels) != shape[0] or not shape[0]:
        reason = f"has {shape[0]} patches, but {row.annotation} has {len(labels)} labels"
        raise PathgenError(path, reason, "Put files of the same split and release into the folder")
    return replace(
        row,
        width_px=shape[1],
        height_px=shape[1],
        bytes=path.stat().st_size,
        sha256=content_digest(path),
    )


def _under_another_name(root: Path) -> list[PathgenError]:
    """Find files that hold what another split's file holds, however they are stored."""
    first: dict[tuple[str, bytes], str] = {}
    problems = []
    for split, part in itertools.product(SPLITS, ("x", "y")):
        file = _name(split, part)
        try:
            content = _distinctive_patches(root / file) if part == "x" else _distinctive_labels(root / file)
        except PathgenError:
            continue  # reported by `_checked`
        if content is not None and (other := first.setdefault((part, content), file)) != file:
            what = "patches" if part == "x" else "labels"
            reason = f"holds the {what} of {other} in the same order"
            problems.append(PathgenError(root / file, reason, "Put the file of its own split there"))
    return problems


def _distinctive_labels(path: Path) -> bytes | None:
    """Return labels; None in an order that two splits can share."""
    labels = read_labels(path)
    changes = int((labels[1:] != labels[:-1]).sum())
    by_chance = len(labels) >= _MANY and 1 < changes < len(labels) - 1
    return labels.astype(np.uint8).tobytes() if by_chance else None


def _distinctive_patches(path: Path) -> bytes | None:
    """Return a few patches, evenly spaced; None if they are all the same."""
    with open_array(path, "x") as array:
        places = range(0, len(array), max(1, len(array) // _COMPARED))
        patches = [np.asarray(array[place]).tobytes() for place in places]
    return b"".join(patches) if len(set(patches)) > 1 else None


def find_cohort(root: Path, settings: CohortSettings, annotations: AnnotationSettings) -> pd.DataFrame:
    """Find the six files (see `pathgen.sources.source.Source`).

    The files are ``camelyonpatch_level_2_split_{train,valid,test}_{x,y}.h5``. The table has one row per
    split; `annotation` is the file of labels, and slides are unknown.

    Raises:
        PathgenErrors: One error per file that is missing, damaged or of another form.
    """
    require_folder(root)
    rows, problems = [], []
    for split in SPLITS:
        row = CohortRow(
            slide=f"pcam_{split}",
            path=_name(split, "x"),
            annotation=_name(split, "y"),
            split=split,
            slide_known=False,
        )
        try:
            row = _checked(root, row, settings.own(PcamSettings).crop_px)
        except PathgenError as problem:
            # All three splits are needed: none can be skipped.
            problems.append(Problem(problem))
        rows.append(row)
    problems += [Problem(error) for error in _under_another_name(root)]
    sides = {row.path: row.width_px for row in rows if row.width_px is not None}
    if len(set(sides.values())) > 1:
        listed = ", ".join(f"{side} px in {file}" for file, side in sides.items())
        hint = "Put files of the same release into the folder"
        problems.append(Problem(PathgenError(root, f"contains patches of different sides: {listed}", hint)))
    if unused := sorted(
        {file.name for file in root.iterdir()} - {file.name for file in list_files(root, settings)}
    ):
        _log.warning("files and folders that are not used: %d, e.g. %s", len(unused), unused[0])
    return cohort_table(rows, problems, settings, root)


def find_candidates(
    root: Path, row: Mapping[str, Any], settings: CohortSettings, index: IndexSettings
) -> SlideCandidates:
    """List the patches of one split, with the labels they come with (see `Source`).

    Raises:
        PathgenError: The labels or the patches cannot be read.
    """
    labels = read_labels(root / row["annotation"])
    names = np.array(LABELS, dtype=object)[labels]
    images = _centres(root / row["path"], settings.own(PcamSettings).crop_px)
    return labelled_candidates(row, pd.DataFrame({"label": names, "file": row["path"]}), images)


def _centres(path: Path, crop_px: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the centre of each patch."""
    with open_array(path, "x") as array:
        centre = _centre(array.shape[1], crop_px)
        # Whole chunks: a chunk that is larger than HDF5's cache is unpacked at each read.
        rows = min(max(_READ_ROWS, (array.chunks or (0,))[0]), _MOST_ROWS)
        for start in range(0, len(array), rows):
            yield from np.asarray(array[start : start + rows])[:, centre, centre]


def _centre(side_px: int, crop_px: int) -> slice:
    margin = (side_px - crop_px) // 2
    return slice(margin, margin + crop_px)


def read_patches(
    root: Path, rows: pd.DataFrame, size_px: int, settings: CohortSettings, threads: int
) -> PatchBatch:
    """Read patches, in the order of the rows: their centre, averaged down to size (see `Source`).

    Raises:
        PathgenError: A file cannot be read, or the centre's side is not a multiple of `size_px`.
    """
    crop_px = settings.own(PcamSettings).crop_px
    if crop_px % size_px:
        raise PathgenError(
            "params.yaml: extract.size_px",
            f"is {size_px}, but the patches have {crop_px} px (cohort.pcam.crop_px)",
            "Make the second a multiple of the first",
        )
    del threads  # HDF5 lets one thread read at a time
    images = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
    (file,) = rows["file"].unique()
    path = root / str(file)
    places = np.argsort(rows["item"].to_numpy(), kind="stable")
    items = rows["item"].to_numpy()[places]
    with open_array(path, "x") as array:
        if items[-1] >= len(array):
            raise PathgenError(path, "has fewer patches than it had", "Run: make recheck")
        centre = _centre(array.shape[1], crop_px)
        for start in range(0, len(items), _READ_ROWS):
            wanted, where = np.unique(items[start : start + _READ_ROWS], return_inverse=True)
            whole = np.asarray(array[wanted])[where]  # (n, S, S, 3)
            for place, image in zip(places[start : start + _READ_ROWS], whole, strict=True):
                images[place] = shrink(image[centre, centre], size_px)
    return PatchBatch(images)


def list_files(root: Path, settings: CohortSettings) -> list[Path]:
    """List the six files without opening any (see `pathgen.sources.source.Source`)."""
    del settings
    return [root / _name(split, part) for split in SPLITS for part in ("x", "y")]


SOURCE = Source(find_cohort, find_candidates, read_patches, list_files, PcamSettings, has_slide_ids=False)
