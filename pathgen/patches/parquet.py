"""Parquet and CSV files with the same bytes for the same table."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path
from pathgen.patches.schemas import Schema, as_text, empty_table

_REMAKE = "Run: dvc repro, which makes it again"
_ROWS_PER_GROUP = 1 << 18
# pandas' own types turn integers and truths with gaps into floats and objects.
NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def _arrow_column(values: Any) -> tuple[Any, Any]:
    array = pa.Array.from_pandas(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_null(array.type) or pa.types.is_large_string(array.type):
        array = array.cast(pa.string())
    # The field's own flag tells a reader which integers and truths may be empty.
    required = isinstance(values.dtype, np.dtype) and values.dtype.kind in "biu"
    return pa.field(str(values.name), array.type, nullable=not required), array


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as parquet, atomically; the same table gives the same bytes.

    Args:
        frame: The table; its pandas index is dropped. Object columns hold text.
        path: The file; missing parents are made.
    """
    pairs = [_arrow_column(frame[name]) for name in frame.columns]
    # Without pandas' own metadata: it holds library versions.
    table = pa.Table.from_arrays(
        [array for _, array in pairs], schema=pa.schema([field for field, _ in pairs])
    )
    with atomic_path(path) as draft:
        pq.write_table(table, draft, compression="zstd", version="2.6")


def concatenate_tables(parts: Iterable[Path], schema: Schema, path: Path) -> None:
    """Write the rows of several tables as one, a few at a time in memory, atomically.

    Args:
        parts: Files that `write_table` wrote, each a table of the schema; their keys must differ.
        schema: The schema of all.
        path: The file to write; missing parents are made. Its bytes depend on the rows and their order.

    Raises:
        PathgenError: A file is missing or is not such a table.
    """
    empty = empty_table(schema)
    fields = pa.schema([_arrow_column(empty[name])[0] for name in schema.names])
    waiting: list[Any] = []
    with (
        atomic_path(path) as draft,
        pq.ParquetWriter(draft, fields, compression="zstd", version="2.6") as out,
    ):
        for part in parts:
            with open_parquet(part) as file:
                table = file.read()
            if table.schema.names != fields.names:
                raise PathgenError(part, f"has the columns {', '.join(table.schema.names)}", _REMAKE)
            waiting.append(table.cast(fields))
            if sum(len(table) for table in waiting) >= _ROWS_PER_GROUP:
                _write_group(out, waiting)
        _write_group(out, waiting)


def _write_group(out: Any, waiting: list[Any]) -> None:
    rows = sum(len(table) for table in waiting)
    if rows:
        # One chunk per column: the bytes must not tell how the rows came in.
        out.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=rows)
    waiting.clear()


@contextmanager
def open_parquet(path: Path, columns_of_few_values: Sequence[str] = ()) -> Iterator[Any]:
    """Open a parquet file; every problem inside the block becomes one error that names the file.

    Args:
        path: Path of the file.
        columns_of_few_values: Text columns that are read as numbers and one list of values.

    Yields:
        The `pyarrow.parquet.ParquetFile`.

    Raises:
        PathgenError: The file is missing or not readable as parquet.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=list(columns_of_few_values)) as file:
            yield file
    except FileNotFoundError:
        raise PathgenError(path, "no such table", "Run: dvc repro") from None
    except (pa.ArrowException, OSError) as problem:
        raise PathgenError(path, f"not readable as parquet: {problem}", _REMAKE) from None


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Args:
        path: The parquet file.

    Returns:
        The table, with the types that were written (text as object with None where empty).

    Raises:
        PathgenError: The file is missing or is not readable as parquet.
    """
    with open_parquet(path) as file:
        table = file.read()
    frame: pd.DataFrame = table.to_pandas(types_mapper=NULLABLE.get)
    for field in table.schema:
        if pa.types.is_string(field.type):
            frame[field.name] = as_text(frame[field.name])
        elif not field.nullable:
            frame[field.name] = frame[field.name].astype(field.type.to_pandas_dtype())
    return frame


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, atomically, for plots and for people; numbers keep all their digits.

    Args:
        frame: The table; its pandas index is dropped.
        path: The file; missing parents are made.
    """
    with atomic_path(path) as draft:
        frame.to_csv(draft, index=False, lineterminator="\n")
