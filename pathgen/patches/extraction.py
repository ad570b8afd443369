"""Put the patch sets of all roles together from what was read of each slide."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.errors import PathgenError
from pathgen.patches.pieces import Piece
from pathgen.patches.store import PatchSetWriter
from pathgen.patches.tables import ROLES
from pathgen.progress import progress

_INDEX_BYTES_PER_ROW = 200
_ROWS_AT_A_TIME = 1024


def patch_bytes(count: int, size_px: int) -> int:
    """Return about how many bytes so many patches need on disk, with their table."""
    return count * (size_px * size_px * 3 + _INDEX_BYTES_PER_ROW)


def no_room(folder: Path, needed: int) -> PathgenError:
    """Say that a disk is too small.

    Args:
        folder: Where there is too little room.
        needed: Bytes that are needed there.
    """
    return PathgenError(
        folder,
        f"the disk is full: the patches need {needed:,} bytes there",
        "Free that much space, or lower sample.per_class or extract.size_px; finished slides are kept",
    )


def require_room(needs: Mapping[Path, int]) -> None:
    """Refuse to begin what a disk cannot take.

    Args:
        needs: Folder to bytes that will be written in it; folders on the same disk are added up.

    Raises:
        PathgenError: A disk has less than that.
    """
    by_disk: dict[int, int] = {}
    for folder, needed in needs.items():
        folder.mkdir(parents=True, exist_ok=True)
        disk = folder.stat().st_dev
        by_disk[disk] = by_disk.get(disk, 0) + needed
    for folder in needs:
        needed = by_disk[folder.stat().st_dev]
        if shutil.disk_usage(folder).free < needed:
            raise no_room(folder, needed)


def _of_rows(samples: pd.DataFrame, pieces: Mapping[str, Path]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of the rows in their order, few at a time."""
    slide = samples["slide"].to_numpy(dtype=object)
    starts = np.flatnonzero(np.r_[True, slide[1:] != slide[:-1]]) if len(slide) else np.empty(0, np.int64)
    for first, end in zip(starts, [*starts[1:], len(slide)], strict=True):
        folder = pieces[str(slide[first])]
        piece = Piece.open(folder)
        rows = piece.find(samples.iloc[first:end])
        if (rows < 0).any():
            raise PathgenError(folder, "misses patches that were drawn", "Remove the folder and run again")
        for start in range(0, len(rows), _ROWS_AT_A_TIME):
            yield piece.images[rows[start : start + _ROWS_AT_A_TIME]]


def write_roles(samples: pd.DataFrame, pieces: Mapping[str, Path], folder: Path, size_px: int) -> None:
    """Write one patch set per role: ``train``, ``valid``, ``test``, ``nonmember``, ``reference``.

    Args:
        samples: The table `pathgen.patches.tables.SAMPLES`.
        pieces: Slide to the folder of its `pathgen.patches.pieces.Piece`.
        folder: Where the patch sets shall be; each appears when it is complete.
        size_px: Side of the patches, px.

    Raises:
        PathgenError: A piece is damaged or lacks patches.
    """
    with progress(len(samples), "patches", "write patch sets") as bar:
        for role in ROLES:
            rows = samples[samples["role"] == role].reset_index(drop=True)
            with PatchSetWriter(folder / role, len(rows), size_px) as writer:
                for images in _of_rows(rows, pieces):
                    writer.append(images)
                    bar.update(len(images))
                writer.finish(rows)
