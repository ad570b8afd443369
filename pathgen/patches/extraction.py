"""Read the pixels of drawn patches into a patch set."""

import errno
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.errors import PathgenError
from pathgen.patches.store import PatchSetWriter
from pathgen.patches.tables import EXTRACTED, ROLES, check_table
from pathgen.progress import progress

# Reads the pixels of some rows of the samples table, in their order: uint8 of shape (n, size, size, 3).
ReadPatches = Callable[[pd.DataFrame], NDArray[np.uint8]]

_CHUNK_ROWS = 128
_INDEX_BYTES_PER_ROW = 200
_FULL = (errno.ENOSPC, errno.EDQUOT)


def _chunks(samples: pd.DataFrame) -> list[pd.DataFrame]:
    """Cut the rows into runs of one file each, so that a run opens one slide once."""
    file = samples["file"].to_numpy(dtype=object)
    starts = np.flatnonzero(np.r_[True, file[1:] != file[:-1]])
    ends = np.r_[starts[1:], len(samples)]
    return [
        samples.iloc[start : min(start + _CHUNK_ROWS, end)]
        for first, end in zip(starts, ends, strict=True)
        for start in range(first, end, _CHUNK_ROWS)
    ]


def _in_order(read: ReadPatches, chunks: list[pd.DataFrame], threads: int) -> Iterator[NDArray[np.uint8]]:
    """Read chunks side by side and yield them in their order, with few of them in memory at a time."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[NDArray[np.uint8]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(read, chunk))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _bytes(count: int, size_px: int) -> int:
    return count * (size_px * size_px * 3 + _INDEX_BYTES_PER_ROW)


def _no_room(folder: Path, needed: int) -> PathgenError:
    return PathgenError(
        folder,
        f"the disk is full: the patches need {needed:,} bytes there",
        "Free that much space, or lower sample.per_class or extract.size_px",
    )


def _require_room(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < needed:
        raise _no_room(folder, needed)


def extract_patches(
    read: ReadPatches, samples: pd.DataFrame, folder: Path, size_px: int, threads: int
) -> None:
    """Read patches and write them as a patch set, in the order of the rows.

    Args:
        read: Reads the pixels of a few rows; called from several threads at once.
        samples: The rows of one role, of `pathgen.patches.tables.SAMPLES`.
        folder: The patch set's folder; it appears when it is complete.
        size_px: Side of the patches that `read` returns, px.
        threads: How many chunks are read at a time. The result does not depend on it.

    Raises:
        PathgenError: Patches cannot be read, or the disk has too little room.
    """
    needed = _bytes(len(samples), size_px)
    _require_room(folder.parent, needed)
    samples = samples.reset_index(drop=True)
    try:
        with (
            progress(len(samples), "patches", f"extract {folder.name}") as bar,
            PatchSetWriter(folder, len(samples), size_px) as writer,
        ):
            for images in _in_order(read, _chunks(samples), threads):
                writer.append(images)
                bar.update(len(images))
            writer.finish(samples)
    except OSError as problem:
        if problem.errno in _FULL:
            raise _no_room(folder, needed) from None
        raise


def extract_roles(read: ReadPatches, samples: pd.DataFrame, folder: Path, size_px: int, threads: int) -> None:
    """Write one patch set per role: ``train``, ``valid``, ``test``, ``nonmember``, ``reference``.

    Args:
        read: See `extract_patches`.
        samples: The table `pathgen.patches.tables.SAMPLES`.
        folder: Where the patch sets shall be.
        size_px: Side of the patches that `read` returns, px.
        threads: See `extract_patches`.

    Raises:
        PathgenError: Patches cannot be read, or the disk has too little room for all of them.
    """
    _require_room(folder, _bytes(len(samples), size_px))
    for role in ROLES:
        extract_patches(read, samples[samples["role"] == role], folder / role, size_px, threads)


def extracted_slides(samples: pd.DataFrame) -> pd.DataFrame:
    """Return how many patches were read of each slide, as the table `EXTRACTED`."""
    counts = samples["slide"].value_counts().sort_index()
    frame = pd.DataFrame({"slide": counts.index, "patches": counts.to_numpy()})
    return check_table(frame.reindex(columns=EXTRACTED.names), EXTRACTED, "extract")
