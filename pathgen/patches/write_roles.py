"""Put the patch sets of all roles together from what was read of each slide."""

import shutil
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import disk_full
from pathgen.core.progress import progress
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import PIXELS_FILE, open_pixels, write_patch_set

_INDEX_BYTES_PER_ROW = 200
_ROWS_AT_A_TIME = 1024


def patch_bytes(count: int, size_px: int) -> int:
    """Return about how many bytes so many patches need on disk, with their table."""
    return count * (size_px * size_px * 3 + _INDEX_BYTES_PER_ROW)


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
            raise disk_full(folder, needed)


def _read_rows(slides: Any, rows: Any, pieces: Mapping[str, Path], bar: Any) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of some rows in their order, few at a time."""
    starts = np.flatnonzero(np.r_[True, slides[1:] != slides[:-1]]) if len(slides) else np.empty(0, np.int64)
    for first, end in pairwise([*starts, len(slides)]):
        images = open_pixels(pieces[str(slides[first])] / PIXELS_FILE)
        for start in range(first, end, _ROWS_AT_A_TIME):
            chosen = rows[start : min(start + _ROWS_AT_A_TIME, end)]
            yield images[chosen]
            bar.update(len(chosen))


def write_roles(samples: pd.DataFrame, pieces: Mapping[str, Path], folder: Path, size_px: int) -> None:
    """Write one patch set per role of `ROLES`; that of a role without patches is empty.

    Args:
        samples: The table `pathgen.patches.schemas.SAMPLES`.
        pieces: Slide to the folder of its patches, in the order of their items.
        folder: Where the patch sets shall be; each appears when it is complete.
        size_px: Side of the patches, px.

    Raises:
        PathgenError: A piece is damaged.
    """
    # Each slide's patches are stored in the order of their items.
    row_in_piece = samples.groupby("slide")["item"].rank(method="first").astype("int64") - 1
    with progress(len(samples), "patches", "write patch sets") as bar:
        for role in ROLES:
            chosen = samples["role"] == role
            rows = samples[chosen].reset_index(drop=True)
            slides = rows["slide"].to_numpy(dtype=object)
            batches = _read_rows(slides, row_in_piece[chosen].to_numpy(), pieces, bar)
            write_patch_set(folder / role, rows, size_px, batches)
