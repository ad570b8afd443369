"""Patches as PNG files, one folder per class, as torchvision's ImageFolder reads them."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.export.format import batches, encode_png
from pathgen.patches.store import PatchSet

# Columns with the origin of a patch, in order of preference.
_ORIGINS = ("slide", "generator")
# Characters that some file systems do not allow; a leading dot hides a file.
_UNSAFE = re.compile(r'^\.|[\x00-\x1f%/\\:*?"<>|]')


def write_imagefolder(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write one PNG file per patch; see `pathgen.export.format.Writer`."""
    for label in LABELS:
        (folder / label).mkdir()
    files = _files(patches.index)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows in batches(len(patches)):
            contents = pool.map(encode_png, patches.images[rows])
            for file, content in zip(files[rows], contents, strict=True):
                (folder / file).write_bytes(content)
            done(rows.stop - rows.start)


def _files(index: pd.DataFrame) -> list[str]:
    """Return the path of each patch, relative to the export."""
    origin = next((name for name in _ORIGINS if name in index.columns), None)
    origins = ["patch"] * len(index) if origin is None else index[origin].tolist()
    labels = index["label"].tolist()
    return [f"{label}/{_name(of, row)}" for row, (label, of) in enumerate(zip(labels, origins, strict=True))]


def _name(origin: object, row: int) -> str:
    r"""Return a file name from which ``(?P<slide>.+)_\d+\.png`` reads the slide."""
    text = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", str(origin))
    return f"{text}_{row:07d}.png"
