"""A patch set on disk: ``patches.npy`` (uint8, N x H x W x 3) next to ``index.parquet`` (a row per patch)."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder
from pathgen.core.labels import LABELS
from pathgen.patches.parquet import read_table, write_table

PIXELS_FILE = "patches.npy"
INDEX_FILE = "index.parquet"
_REMAKE = "Run: dvc repro, which makes it again"


@dataclass(frozen=True)
class PatchSet:
    """Patches with one table row each.

    Attributes:
        images: uint8 of shape (N, H, W, 3), RGB, read-only; mapped from disk where possible.
        index: N rows in the same order; has at least the column ``label``.
    """

    images: NDArray[np.uint8]
    index: pd.DataFrame

    def __len__(self) -> int:
        return len(self.index)

    @property
    def classes(self) -> NDArray[np.int64]:
        """Class numbers, int64 of shape (N,): 0 normal, 1 tumor."""
        return np.asarray(self.index["label"] == LABELS[1], dtype=np.int64)

    def images_by_label(self) -> dict[str, NDArray[np.uint8]]:
        """Return the images of each class, see `of_label`."""
        return {label: self.of_label(label).images for label in LABELS}

    def of_label(self, label: str) -> "PatchSet":
        """Return the patches of one class, in the same order.

        Args:
            label: ``"normal"`` or ``"tumor"``.

        Returns:
            A set over the same memory where the class is in one run of rows, else over a copy.
        """
        return self.take(np.flatnonzero(self.index["label"] == label))

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "PatchSet":
        """Return the patches at some row positions, in the order given (see `of_label` for the memory)."""
        positions = np.asarray(rows, dtype=np.int64)
        one_run = len(positions) > 0 and bool(np.all(np.diff(positions) == 1))
        images = self.images[positions[0] : positions[-1] + 1] if one_run else self.images[positions]
        return PatchSet(images, self.index.iloc[positions].reset_index(drop=True))


def open_pixels(file: Path) -> NDArray[np.uint8]:
    """Map an array of patches from disk, read-only.

    Args:
        file: The .npy file.

    Returns:
        uint8 of shape (N, H, W, 3).

    Raises:
        PathgenError: The file is missing, truncated or of another form.
    """
    try:
        images = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise PathgenError(file, "no such file", "Run: dvc repro") from None
    except (ValueError, EOFError, OSError) as problem:
        raise PathgenError(file, f"not readable as an array: {problem}", _REMAKE) from None
    shape: tuple[int, ...] = getattr(images, "shape", ())
    if not isinstance(images, np.memmap) or images.dtype != np.uint8 or len(shape) != 4 or shape[3] != 3:
        said = f"holds {getattr(images, 'dtype', 'no array')} of shape {shape}, not uint8 of (N, H, W, 3)"
        raise PathgenError(file, said, _REMAKE)
    surplus = file.stat().st_size - images.offset - images.nbytes
    if surplus != 0 or not images.flags.c_contiguous:
        raise PathgenError(file, f"has {surplus} bytes too many or is not in C order", _REMAKE)
    return images


def open_patch_set(folder: Path) -> PatchSet:
    """Open a patch set without reading its pixels.

    Args:
        folder: The folder that holds ``patches.npy`` and ``index.parquet``.

    Returns:
        The set; its images are mapped read-only.

    Raises:
        PathgenError: A file is missing, truncated or of another form, the two files do not have the
            same number of rows, or a label is neither normal nor tumor.
    """
    images = open_pixels(folder / PIXELS_FILE)
    index = read_table(folder / INDEX_FILE)
    if len(index) != len(images):
        raise PathgenError(folder, f"has {len(images)} patches but {len(index)} index rows", _REMAKE)
    labels = set(index["label"].unique()) if "label" in index.columns else {None}
    if not labels <= set(LABELS):
        raise PathgenError(folder / INDEX_FILE, f"column label is missing or not one of {LABELS}", _REMAKE)
    return PatchSet(images, index)


def write_pixels(file: Path, shape: tuple[int, ...], batches: Iterable[NDArray[np.uint8]]) -> None:
    """Write an array of patches batch by batch.

    Plain writes, not a mapped file: on a full disk they fail with an error instead of a crash.

    Args:
        file: Path of the .npy file.
        shape: Shape of all patches together, (N, H, W, 3).
        batches: Patches in their order, each batch uint8 (n, H, W, 3).
    """
    written = 0
    with file.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for images in batches:
            assert images.dtype == np.uint8 and images.shape[1:] == shape[1:], (images.dtype, images.shape)
            stream.write(np.ascontiguousarray(images).data)
            written += len(images)
        stream.flush()
        os.fsync(stream.fileno())
    assert written == shape[0], (written, shape)


def write_patch_set(
    folder: Path, index: pd.DataFrame, size_px: int, batches: Iterable[NDArray[np.uint8]]
) -> None:
    """Write a patch set; the folder appears, or replaces an older one, when it is complete.

    The draft of a killed process is removed, so that only one process may write a set at a time.

    Args:
        folder: Folder of the patch set.
        index: Table with one row per patch; has the column ``label``.
        size_px: Side of the patches, px.
        batches: Patches in the order of the rows, each batch uint8 (n, size_px, size_px, 3).
    """
    assert set(index["label"].unique()) <= set(LABELS)
    with atomic_folder(folder) as draft:
        write_pixels(draft / PIXELS_FILE, (len(index), size_px, size_px, 3), batches)
        write_table(index, draft / INDEX_FILE)
