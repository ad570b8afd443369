"""Patches in PatchCamelyon's HDF5 files: what torchvision's PCAM and our source `pcam` read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.export.format import EXPORT_AGAIN, Form, Pixels, batches
from pathgen.patches.store import PatchSet


def prefix_of(split: str) -> str:
    """Return how the names of a split's files begin: as PatchCamelyon's do."""
    return f"camelyonpatch_level_2_split_{split}_"


def _file(folder: Path, prefix: str, array: str) -> Path:
    return folder / f"{prefix}{array}.h5"


def _write(patches: PatchSet, folder: Path, prefix: str, done: Callable[[int], object]) -> None:
    # Without chunks and compression: read many times, and patches of tissue hardly compress.
    with h5py.File(_file(folder, prefix, "y"), "w") as file:
        file["y"] = patches.classes.astype(np.uint8).reshape(-1, 1, 1, 1)
    with h5py.File(_file(folder, prefix, "x"), "w") as file:
        array = file.create_dataset("x", shape=patches.images.shape, dtype=np.uint8)
        for rows in batches(len(patches)):
            array[rows] = patches.images[rows]
            done(rows.stop - rows.start)


@contextmanager
def _dataset(path: Path, key: str, shape: tuple[int, ...]) -> Iterator[Any]:
    """Open one array; whatever is wrong with it is one error that names the file."""
    if not path.is_file():
        raise PathgenError(path, "no such file, but it was exported", EXPORT_AGAIN)
    try:
        with h5py.File(path, "r") as file:
            array = file.get(key)
            if not isinstance(array, h5py.Dataset) or array.shape != shape or array.dtype != np.uint8:
                said = f"holds no array {key!r} of bytes of shape {shape}"
                raise PathgenError(path, said, EXPORT_AGAIN)
            yield array
    except (OSError, RuntimeError, KeyError) as problem:
        raise PathgenError(path, f"not readable as HDF5: {problem}", EXPORT_AGAIN) from None


def _read(folder: Path, prefix: str, index: pd.DataFrame, side_px: int) -> Iterator[Pixels]:
    labels = PatchSet(np.empty((0, 0, 0, 3), np.uint8), index).classes
    path = _file(folder, prefix, "y")
    with _dataset(path, "y", (len(index), 1, 1, 1)) as array:
        altered = np.flatnonzero(np.asarray(array[...]).reshape(-1) != labels)
    if len(altered):
        raise PathgenError(path, f"row {altered[0]} is not the label that was exported", EXPORT_AGAIN)
    with _dataset(_file(folder, prefix, "x"), "x", (len(index), side_px, side_px, 3)) as array:
        for rows in batches(len(index)):
            yield np.asarray(array[rows])


def _place(folder: Path, prefix: str, index: pd.DataFrame, row: int) -> str:
    del index
    return f"{_file(folder, prefix, 'x')}, row {row}"


PCAM = Form(_write, _read, _place)
