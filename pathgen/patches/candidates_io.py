"""The file of all candidates, millions of rows: read what the draw looks at, and the rows that were drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.patches.schemas import SAMPLES, check_table

_LOOKED_AT = ("slide", "item", "label", "tumor_fraction", "exclusion_fraction", "touches_tumor", "exhaustive")
# Texts that few slides share: kept as numbers, with one list of what they stand for.
_REPEATED = ("slide", "label")
_REMAKE = "Run the stage index again"
# pandas' own types turn integers with gaps into floats.
_TYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def _open(path: Path) -> Any:
    """Open the file; a problem is one line that names it."""
    try:
        file = pq.ParquetFile(path, read_dictionary=list(_REPEATED))
    except FileNotFoundError:
        raise PathgenError(path, "no such table", "Run the stage index") from None
    except (pa.ArrowException, OSError) as problem:
        raise PathgenError(path, f"not readable as parquet: {problem}", _REMAKE) from None
    if absent := [name for name in _LOOKED_AT if name not in file.schema_arrow.names]:
        file.close()
        raise PathgenError(path, f"misses column {', '.join(absent)}", _REMAKE)
    return file


def _frame(table: Any) -> pd.DataFrame:
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(types_mapper=_TYPES.get)
    return frame


def read_to_draw(path: Path) -> pd.DataFrame:
    """Read the columns that labels, splits and draw look at, in about 40 bytes a row.

    Args:
        path: The table `pathgen.patches.schemas.CANDIDATES`.

    Returns:
        All rows in their order; slide and label are categorical.

    Raises:
        PathgenError: The file is missing, damaged, or another table.
    """
    with _open(path) as file:
        try:
            frame = _frame(file.read(columns=list(_LOOKED_AT)))
        except (pa.ArrowException, OSError) as problem:
            raise PathgenError(path, f"not readable as parquet: {problem}", _REMAKE) from None
    return frame.astype({"item": "int64", "exhaustive": "bool"})


def _keys(slides: Any, items: Any, number_of: dict[str, int]) -> NDArray[np.int64]:
    """Return one number per (slide, item); -1 on slides that have no number."""
    slide = pd.Categorical(slides)
    numbers = np.array([number_of.get(str(name), -1) for name in slide.categories], dtype=np.int64)[
        slide.codes
    ]
    # 2**40 patches of one pixel each are more than a slide holds.
    return np.where(numbers < 0, -1, numbers << 40 | np.asarray(items, dtype=np.int64))


def complete(drawn: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Give drawn candidates the columns that the draw did not look at.

    Args:
        drawn: Samples with at least slide, item, split, label and role, drawn from the file's rows.
        path: The table `pathgen.patches.schemas.CANDIDATES`, read piece by piece.

    Returns:
        The table `SAMPLES`, rows in the order of `drawn`.

    Raises:
        PathgenError: The file is missing, damaged, or another table.
    """
    decided = drawn[["slide", "item", "split", "label", "role"]]
    number_of = {str(name): number for number, name in enumerate(decided["slide"].unique())}
    wanted = np.sort(_keys(decided["slide"], decided["item"], number_of))
    pieces = []
    with _open(path) as file:
        try:
            for group in range(file.num_row_groups):
                piece = file.read_row_group(group)
                slides = piece["slide"].combine_chunks().to_pandas()
                keys = _keys(slides, piece["item"].to_numpy(), number_of)
                places = np.searchsorted(wanted, keys).clip(max=len(wanted) - 1)
                pieces.append(piece.filter(pa.array(wanted[places] == keys)))
        except (pa.ArrowException, OSError) as problem:
            raise PathgenError(path, f"not readable as parquet: {problem}", _REMAKE) from None
    rows = _frame(pa.concat_tables(pieces)).astype(dict.fromkeys(_REPEATED, object))
    rows = rows.drop(columns=["split", "label"])
    return check_table(decided.merge(rows, on=["slide", "item"], how="left"), SAMPLES, path)
