"""What a form of export consists of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.patches.store import PatchSet

# Patches written or read at once: the memory of an export is a few of these, whatever the set.
BATCH = 1024
EXPORT_AGAIN = "Export the patch set again"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Form:
    """One form of export.

    Attributes:
        write: Writes (patches, folder, prefix of file names, how to report n patches done).
        read: Reads (folder, prefix, the set's table, side in px), and yields the patches in batches, in
            the order of the table; a `PathgenError` names the damaged file.
        place: Says (folder, prefix, table, row) where a patch is, for messages.
    """

    write: Callable[[PatchSet, Path, str, Callable[[int], object]], None]
    read: Callable[[Path, str, pd.DataFrame, int], Iterator[Pixels]]
    place: Callable[[Path, str, pd.DataFrame, int], str]


def batches(count: int) -> Iterator[slice]:
    """Yield slices that cover `count` rows."""
    for start in range(0, count, BATCH):
        yield slice(start, min(start + BATCH, count))
