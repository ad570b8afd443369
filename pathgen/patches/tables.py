"""The tables between the stages: what columns they have, and parquet files with the same bytes every time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path
from pathgen.core.labels import LABELS

Kind = Literal["text", "integer", "number", "truth"]
SPLITS = ("train", "valid", "test")
ROLES = ("train", "valid", "test", "nonmember", "reference")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its name.
        kind: What it holds. In memory: text = object (str or None), integer = int64, number = float64
            (NaN where empty), truth = bool; integers and truths that may be empty are Int64 and boolean.
        empty: Whether a value may be missing.
        values: The allowed values, if they are few.
    """

    name: str
    kind: Kind
    empty: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Schema:
    """A kind of table: its columns in their order, and the columns that together name a row."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [column.name for column in self.columns]


_ITEM = (
    Column("slide", "text"),
    Column("item", "integer"),
    Column("x_l0", "integer", empty=True),
    Column("y_l0", "integer", empty=True),
    Column("size_l0", "integer", empty=True),
    Column("file", "text", empty=True),
)
_TRAITS = (
    Column("tumor_fraction", "number", empty=True),
    Column("exclusion_fraction", "number", empty=True),
    Column("tissue_fraction", "number", empty=True),
    Column("touches_tumor", "truth", empty=True),
    Column("exhaustive", "truth"),
)

COHORT = Schema(
    columns=(
        Column("slide", "text"),
        Column("source", "text"),
        Column("path", "text"),
        Column("annotation", "text", empty=True),
        Column("label", "text", empty=True, values=LABELS),
        Column("split", "text", empty=True, values=SPLITS),
        Column("patient", "text", empty=True),
        Column("exhaustive", "truth"),
        Column("width_px", "integer", empty=True),
        Column("height_px", "integer", empty=True),
        Column("mpp_x", "number", empty=True),
        Column("mpp_y", "number", empty=True),
        Column("levels", "integer", empty=True),
        Column("vendor", "text", empty=True),
        Column("bytes", "integer", empty=True),
        Column("sha256", "text", empty=True),
        Column("slide_known", "truth"),
        Column("skipped", "text", empty=True),
    ),
    key=("slide",),
)
CANDIDATES = Schema(
    columns=(
        *_ITEM,
        Column("split", "text", empty=True, values=SPLITS),
        Column("patient", "text", empty=True),
        Column("label", "text", empty=True, values=LABELS),
        *_TRAITS,
    ),
    key=("slide", "item"),
)
SAMPLES = Schema(
    columns=(
        *_ITEM,
        Column("split", "text", values=SPLITS),
        Column("patient", "text", empty=True),
        Column("label", "text", values=LABELS),
        *_TRAITS,
        Column("role", "text", values=ROLES),
    ),
    key=("slide", "item"),
)

# What the stage index found on each slide of the cohort; where `reason` says why a slide is left out, the
# rest is empty. Without slides only `candidates` and `tumor_candidates` are known.
INDEXED = Schema(
    columns=(
        Column("slide", "text"),
        Column("candidates", "integer", empty=True),
        Column("tumor_candidates", "integer", empty=True),
        Column("tissue_fraction", "number", empty=True),
        Column("tissue_mm2", "number", empty=True),
        Column("lesion_mm2", "number", empty=True),
        Column("mean_r", "number", empty=True),
        Column("mean_g", "number", empty=True),
        Column("mean_b", "number", empty=True),
        Column("saturation_threshold", "number", empty=True),
        Column("annotations_dropped", "integer", empty=True),
        Column("reason", "text", empty=True),
    ),
    key=("slide",),
)
# How the stage extract read the drawn patches of each slide; `method` is empty without slides. `incomplete`
# counts the patches with a tile under them that the file does not hold, empty where that cannot be told.
EXTRACTED = Schema(
    columns=(
        Column("slide", "text"),
        Column("patches", "integer"),
        Column("method", "text", empty=True),
        Column("reason", "text", empty=True),
        Column("incomplete", "integer", empty=True),
        Column("left_out", "text", empty=True),
    ),
    key=("slide",),
)

_DTYPES = {
    ("text", False): "object",
    ("text", True): "object",
    ("integer", False): "int64",
    ("integer", True): "Int64",
    ("number", False): "float64",
    ("number", True): "float64",
    ("truth", False): "bool",
    ("truth", True): "boolean",
}
_REMAKE = "Run the stage that makes it again"
_ROWS_PER_GROUP = 1 << 18


def _text(values: Any) -> Any:
    """Return text as Python strings with None where empty, whatever pandas version made the column."""
    plain = values.astype(object)
    return plain.where(plain.notna(), None)


def _conformed(values: Any, column: Column) -> Any:
    """Cast one column to the schema's type; a problem is a ValueError whose text says what is wrong."""
    missing = int(values.isna().sum())
    if missing and not column.empty:
        raise ValueError(f"column {column.name} is empty in {missing} rows")
    if column.kind == "text":
        text = _text(values)
        present = set(text.dropna().unique())
        if not all(isinstance(value, str) for value in present):
            raise ValueError(f"column {column.name} holds values that are no text")
        unknown = sorted(present - set(column.values or present))
        if unknown:
            raise ValueError(f"column {column.name} holds {unknown[0]!r}, not one of {column.values}")
        return text
    if column.kind == "truth" and not set(values.dropna().unique()) <= {True, False}:
        raise ValueError(f"column {column.name} holds values other than true and false")
    try:
        return values.astype(_DTYPES[column.kind, column.empty])
    except (TypeError, ValueError):
        raise ValueError(f"column {column.name} is {values.dtype}, not {column.kind}") from None


def check_table(frame: pd.DataFrame, schema: Schema, subject: object) -> pd.DataFrame:
    """Check a table against its schema, and return it with that schema's columns and types.

    Args:
        frame: The table. Columns that the schema does not know are refused.
        schema: What it must look like, e.g. `CANDIDATES`.
        subject: The file or thing to name in a message.

    Returns:
        The same rows in the same order; columns in the schema's order, types as `Column` says.

    Raises:
        PathgenError: A column is missing, unknown or of the wrong type, a value is not allowed or
            absent, or two rows have the same key.
    """
    absent = [name for name in schema.names if name not in frame.columns]
    unknown = [str(name) for name in frame.columns if name not in schema.names]
    if absent or unknown:
        said = [f"misses column {', '.join(absent)}"] if absent else []
        said += [f"has unknown column {', '.join(unknown)}"] if unknown else []
        raise PathgenError(subject, " and ".join(said), _REMAKE)
    try:
        columns = {column.name: _conformed(frame[column.name], column) for column in schema.columns}
    except ValueError as problem:
        raise PathgenError(subject, str(problem), _REMAKE) from None
    checked = pd.DataFrame(columns).reset_index(drop=True)
    repeated = checked.duplicated(list(schema.key))
    if bool(repeated.any()):
        first = checked.loc[repeated, list(schema.key)].iloc[0].tolist()
        raise PathgenError(subject, f"holds {', '.join(schema.key)} = {first} more than once", _REMAKE)
    return checked


def empty_table(schema: Schema) -> pd.DataFrame:
    """Return a table of that schema without rows."""
    return pd.DataFrame(
        {column.name: pd.Series([], dtype=_DTYPES[column.kind, column.empty]) for column in schema.columns}
    )


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
            table = _read_arrow(part)
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


def _values_and_mask(values: Any, dtype: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    missing = np.array(values.is_null().to_numpy(), dtype=bool)
    filled = values.fill_null(False if dtype == "bool" else 0)
    return np.array(filled.to_numpy(), dtype=dtype), missing


def _pandas_column(field: Any, values: Any) -> Any:
    if pa.types.is_string(field.type):
        return _text(values.to_pandas())
    if field.nullable and pa.types.is_integer(field.type):
        return pd.Series(pd.arrays.IntegerArray(*_values_and_mask(values, "int64")))
    if field.nullable and pa.types.is_boolean(field.type):
        return pd.Series(pd.arrays.BooleanArray(*_values_and_mask(values, "bool")))
    return values.to_pandas()


def _read_arrow(path: Path) -> Any:
    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except FileNotFoundError:
        raise PathgenError(path, "no such table", "Run the stage that makes it") from None
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
    table = _read_arrow(path)
    return pd.DataFrame({field.name: _pandas_column(field, table[field.name]) for field in table.schema})


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, atomically, for plots and for people; numbers keep all their digits.

    Args:
        frame: The table; its pandas index is dropped.
        path: The file; missing parents are made.
    """
    with atomic_path(path) as draft:
        frame.to_csv(draft, index=False, lineterminator="\n")
