"""Patches as PNG files, one folder per class: for torchvision's ImageFolder and our source `patch_folder`."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.export.format import EXPORT_AGAIN, Form, Pixels, batches
from pathgen.export.png import decode, encode
from pathgen.patches.store import PatchSet

# Each of these alone names what a patch is of.
_ORIGINS = ("slide", "generator")
# What file names may not hold everywhere; a dot in front hides a file, also from the source `patch_folder`.
_UNSAFE = re.compile(r'^\.|[\x00-\x1f%/\\:*?"<>|]')


def _name(origin: object, row: int) -> str:
    r"""Return a file name from which ``(?P<slide>.+)_\d+\.png`` reads the slide."""
    text = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", str(origin))
    return f"{text}_{row:07d}.png"


def _files(index: pd.DataFrame) -> list[str]:
    """Return the path of each patch, relative to the export."""
    origin = next((name for name in _ORIGINS if name in index.columns), None)
    origins = ["patch"] * len(index) if origin is None else index[origin].tolist()
    labels = index["label"].tolist()
    return [f"{label}/{_name(of, row)}" for row, (label, of) in enumerate(zip(labels, origins, strict=True))]


def _write(patches: PatchSet, folder: Path, prefix: str, done: Callable[[int], object]) -> None:
    del prefix
    for label in LABELS:
        (folder / label).mkdir()
    files = _files(patches.index)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows in batches(len(patches)):
            contents = pool.map(encode, patches.images[rows])
            for file, content in zip(files[rows], contents, strict=True):
                (folder / file).write_bytes(content)
            done(rows.stop - rows.start)


def _read(folder: Path, prefix: str, index: pd.DataFrame, side_px: int) -> Iterator[Pixels]:
    del prefix
    files = _files(index)

    def read(file: str) -> Pixels:
        path = folder / file
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise PathgenError(path, "no such file, but it was exported", EXPORT_AGAIN) from None
        return decode(content, side_px, path)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows in batches(len(index)):
            yield np.stack(list(pool.map(read, files[rows])))


def _place(folder: Path, prefix: str, index: pd.DataFrame, row: int) -> str:
    del prefix
    return str(folder / _files(index)[row])


IMAGEFOLDER = Form(_write, _read, _place)
