"""Export formats: PNG files in folders, the HDF5 files of PatchCamelyon, and a parquet table."""

import io
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeAlias

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet

FormatName = Literal["imagefolder", "pcam", "parquet"]
#: Writes a patch set into a folder; reports the number of patches written.
Writer: TypeAlias = Callable[[PatchSet, Path, Callable[[int], object]], None]
# Number of patches in memory at a time.
BATCH = 1024

# Columns with the origin of a patch, in order of preference.
_ORIGINS = ("slide", "generator")
# Characters that some file systems do not allow; a leading dot hides a file.
_UNSAFE = re.compile(r'^\.|[\x00-\x1f%/\\:*?"<>|]')
# Hugging Face's `datasets` store images so.
_IMAGE = pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def batches(count: int) -> Iterator[slice]:
    """Yield slices of at most `BATCH` that cover `count` rows."""
    for start in range(0, count, BATCH):
        yield slice(start, min(start + BATCH, count))


def _encode_png(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def _write_imagefolder(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write one PNG file per patch and one folder per class, as torchvision's ImageFolder reads them."""
    for label in LABELS:
        (folder / label).mkdir()
    files = _png_files(patches.index)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows in batches(len(patches)):
            contents = pool.map(_encode_png, patches.images[rows])
            for file, content in zip(files[rows], contents, strict=True):
                (folder / file).write_bytes(content)
            done(rows.stop - rows.start)


def _png_files(index: pd.DataFrame) -> list[str]:
    r"""Return the path of each patch; ``(?P<slide>.+)_\d+\.png`` reads the slide from its name."""
    column = next((name for name in _ORIGINS if name in index.columns), None)
    origins = ["patch"] * len(index) if column is None else index[column].tolist()
    names = [_UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", str(origin)) for origin in origins]
    labels = index["label"]
    return [
        f"{label}/{name}_{row:07d}.png" for row, (label, name) in enumerate(zip(labels, names, strict=True))
    ]


def _write_pcam(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write the arrays x and y into a file each, as torchvision's PCAM and the source `pcam` read them."""
    # Neither chunks nor compression: the files are read many times, and tissue hardly compresses.
    with h5py.File(folder / "y.h5", "w") as file:
        file["y"] = patches.classes.astype(np.uint8).reshape(-1, 1, 1, 1)
    with h5py.File(folder / "x.h5", "w") as file:
        array = file.create_dataset("x", shape=patches.images.shape, dtype=np.uint8)
        for rows in batches(len(patches)):
            array[rows] = patches.images[rows]
            done(rows.stop - rows.start)


def _write_parquet(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write one table: the columns of the set's table, and the patch as PNG in ``image``."""
    columns = pa.Table.from_pandas(patches.index, preserve_index=False).replace_schema_metadata(None)
    if _IMAGE.name in columns.schema.names:
        hint = "Rename the column, or export in another format"
        raise PathgenError("the patch set's table", "already has a column image", hint)
    fields = columns.schema.append(_IMAGE)
    # PNG is compressed already.
    with (
        ThreadPoolExecutor() as pool,
        pq.ParquetWriter(folder / "patches.parquet", fields, compression="none", version="2.6") as out,
    ):
        for rows in batches(len(patches)):
            encoded = pool.map(_encode_png, patches.images[rows])
            images = [{"bytes": content, "path": None} for content in encoded]
            part = columns.slice(rows.start, len(images)).append_column(_IMAGE, pa.array(images, _IMAGE.type))
            out.write_table(part, row_group_size=BATCH)
            done(len(images))


WRITERS: dict[FormatName, Writer] = {
    "imagefolder": _write_imagefolder,
    "pcam": _write_pcam,
    "parquet": _write_parquet,
}
"""Writers by format."""
