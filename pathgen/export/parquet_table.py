"""Patches as one parquet table: the columns of the set's table, and the patch as PNG in `image`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pathgen.core.errors import PathgenError
from pathgen.export.format import BATCH, batches, encode_png
from pathgen.patches.store import PatchSet

_FILE = "patches.parquet"
# Hugging Face's `datasets` store images so.
_IMAGE = pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def write_parquet(patches: PatchSet, folder: Path, done: Callable[[int], object]) -> None:
    """Write one table; see `pathgen.export.format.Writer`."""
    columns = pa.Table.from_pandas(patches.index, preserve_index=False).replace_schema_metadata(None)
    if _IMAGE.name in columns.schema.names:
        hint = "Rename the column, or export in another format"
        raise PathgenError("the patch set's table", "already has a column image", hint)
    fields = columns.schema.append(_IMAGE)
    # PNG is compressed already.
    with (
        ThreadPoolExecutor() as pool,
        pq.ParquetWriter(folder / _FILE, fields, compression="none", version="2.6") as out,
    ):
        for rows in batches(len(patches)):
            images = [
                {"bytes": content, "path": None} for content in pool.map(encode_png, patches.images[rows])
            ]
            part = columns.slice(rows.start, len(images)).append_column(_IMAGE, pa.array(images, _IMAGE.type))
            out.write_table(part, row_group_size=BATCH)
            done(len(images))
