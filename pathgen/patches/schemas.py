"""Schemas of the tables between the stages: columns, types, keys."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS

Kind = Literal["text", "integer", "number", "truth"]
SPLITS = ("train", "valid", "test")
ROLES = ("train", "valid", "test", "nonmember", "reference", "fresh")


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

_OF_A_PAIR: tuple[tuple[str, Kind], ...] = (
    ("slide", "text"),
    ("item", "integer"),
    ("file", "text"),
    ("split", "text"),
    ("label", "text"),
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
        Column("annotation_sha256", "text", empty=True),
        Column("table_sha256", "text", empty=True),
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
# rest is empty. Without slides only the candidates are known, and how many patches are left out since others
# have equal pixels (`copies`), as all equal patches with both labels are (`two_labels`). `near_duplicates`
# counts the others that `cohort.near_duplicates: leave_out` leaves out: all but one patch of each picture,
# and all of a picture with both labels.
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
        Column("copies", "integer", empty=True),
        Column("two_labels", "integer", empty=True),
        Column("near_duplicates", "integer", empty=True),
        Column("reason", "text", empty=True),
    ),
    key=("slide",),
)
# Pairs of ready-made patches that show one picture, rotated, mirrored or compressed again; `rms` is their
# distance in grey levels (`pathgen.sources.near_duplicates.near_pairs`).
NEAR_DUPLICATES = Schema(
    columns=(
        *(
            Column(f"{prefix}{name}", kind, empty=name in ("file", "split", "label"))
            for prefix in ("", "other_")
            for name, kind in _OF_A_PAIR
        ),
        Column("rms", "number"),
    ),
    key=("slide", "item", "other_slide", "other_item"),
)
# How the stage extract read the drawn patches of each slide; `method` is empty without slides. `incomplete`
# counts the patches with a tile under them that the file does not hold, empty where that is not known.
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

# In memory, without and with missing values.
_DTYPES: dict[Kind, tuple[str, str]] = {
    "text": ("object", "object"),
    "integer": ("int64", "Int64"),
    "number": ("float64", "float64"),
    "truth": ("bool", "boolean"),
}
_REMAKE = "Run: dvc repro, which makes it again"


def slides_known(cohort: pd.DataFrame) -> bool:
    """Return whether the slide of every patch is known.

    Args:
        cohort: Table `COHORT`.
    """
    return bool(cohort["slide_known"].all())


def as_text(values: Any) -> Any:
    """Return a text column as Python strings with None where empty, for every version of pandas."""
    plain = values.astype(object)
    return plain.where(plain.notna(), None)


def _conformed(values: Any, column: Column) -> Any:
    """Cast one column to the schema's type; a problem is a ValueError whose text says what is wrong."""
    missing = int(values.isna().sum())
    if missing and not column.empty:
        raise ValueError(f"column {column.name} is empty in {missing} rows")
    if column.kind == "text":
        text = as_text(values)
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
        return values.astype(_DTYPES[column.kind][column.empty])
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
        faults = [f"misses column {', '.join(absent)}"] if absent else []
        faults += [f"has unknown column {', '.join(unknown)}"] if unknown else []
        raise PathgenError(subject, " and ".join(faults), _REMAKE)
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
        {column.name: pd.Series([], dtype=_DTYPES[column.kind][column.empty]) for column in schema.columns}
    )
