"""Patches in the HDF5 files of PatchCamelyon, as torchvision's PCAM and the source `pcam` read."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from pathgen.export.format import batches
from pathgen.patches.store import PatchSet


def write_pcam(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write the arrays x and y into a file each; see `pathgen.export.format.Writer`."""
    # Neither chunks nor compression: the files are read many times, and tissue hardly compresses.
    with h5py.File(folder / "y.h5", "w") as file:
        file["y"] = patches.classes.astype(np.uint8).reshape(-1, 1, 1, 1)
    with h5py.File(folder / "x.h5", "w") as file:
        array = file.create_dataset("x", shape=patches.images.shape, dtype=np.uint8)
        for rows in batches(len(patches)):
            array[rows] = patches.images[rows]
            done(rows.stop - rows.start)
