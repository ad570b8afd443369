"""Names of the export formats, and what all writers share."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pathgen.patches.store import PatchSet

FormatName = Literal["imagefolder", "pcam", "parquet"]
#: Writes a patch set into a folder; reports the number of patches written.
Writer: TypeAlias = Callable[[PatchSet, Path, Callable[[int], object]], None]
# Number of patches in memory at a time.
BATCH = 1024


def batches(count: int) -> Iterator[slice]:
    """Yield slices of at most `BATCH` that cover `count` rows."""
    for start in range(0, count, BATCH):
        yield slice(start, min(start + BATCH, count))


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return a patch, uint8 (H, W, 3), as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()
