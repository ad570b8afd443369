"""Patches as one parquet table: the columns of the set's table, and each patch as PNG in `image`."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pathgen.core.errors import PathgenError
from pathgen.export.format import BATCH, EXPORT_AGAIN, Form, Pixels, batches
from pathgen.export.png import decode, encode
from pathgen.patches.store import PatchSet

_FILE = "patches.parquet"
# The form in which Hugging Face's `datasets` keeps pictures.
_IMAGE = pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def _table(index: pd.DataFrame) -> Any:
    return pa.Table.from_pandas(index, preserve_index=False).replace_schema_metadata(None)


def _write(patches: PatchSet, folder: Path, prefix: str, done: Callable[[int], object]) -> None:
    del prefix
    columns = _table(patches.index)
    if _IMAGE.name in columns.schema.names:
        hint = "Rename the column, or export in another form"
        raise PathgenError("the patch set's table", "has a column image already", hint)
    fields = columns.schema.append(_IMAGE)
    # PNG is compressed already.
    with (
        ThreadPoolExecutor() as pool,
        pq.ParquetWriter(folder / _FILE, fields, compression="none", version="2.6") as out,
    ):
        for rows in batches(len(patches)):
            pictures = [
                {"bytes": content, "path": None} for content in pool.map(encode, patches.images[rows])
            ]
            part = columns.slice(rows.start, len(pictures)).append_column(
                _IMAGE, pa.array(pictures, _IMAGE.type)
            )
            out.write_table(part, row_group_size=BATCH)
            done(len(pictures))


def _read(folder: Path, prefix: str, index: pd.DataFrame, side_px: int) -> Iterator[Pixels]:
    del prefix
    path = folder / _FILE
    if not path.is_file():
        raise PathgenError(path, "no such file, but it was exported", EXPORT_AGAIN)
    columns = _table(index)
    try:
        with pq.ParquetFile(path) as file, ThreadPoolExecutor() as pool:
            names = file.schema_arrow.names
            if names != [*columns.schema.names, _IMAGE.name] or file.metadata.num_rows != len(index):
                said = f"has {file.metadata.num_rows} rows of the columns {', '.join(names)}, not as exported"
                raise PathgenError(path, said, EXPORT_AGAIN)
            start = 0
            for part in file.iter_batches(BATCH):
                told = pa.Table.from_batches([part]).drop_columns([_IMAGE.name])
                if not told.equals(columns.slice(start, len(part))):
                    said = f"rows {start} to {start + len(part) - 1} are not those of index.parquet"
                    raise PathgenError(path, said, EXPORT_AGAIN)
                contents = part[_IMAGE.name].field("bytes").to_pylist()
                subjects = [f"{path}, row {start + place}" for place in range(len(contents))]
                sides = [side_px] * len(contents)
                yield np.stack(list(pool.map(decode, contents, sides, subjects)))
                start += len(part)
    except (pa.ArrowException, OSError) as problem:
        raise PathgenError(path, f"not readable as parquet: {problem}", EXPORT_AGAIN) from None


def _place(folder: Path, prefix: str, index: pd.DataFrame, row: int) -> str:
    del prefix, index
    return f"{folder / _FILE}, row {row}"


PARQUET = Form(_write, _read, _place)
