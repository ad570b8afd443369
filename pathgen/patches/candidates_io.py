"""The file of all candidates, millions of rows: read what the draw looks at, and the rows that were drawn."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import NULLABLE, open_parquet
from pathgen.patches.schemas import SAMPLES, check_table

_LOOKED_AT = ("slide", "item", "label", "tumor_fraction", "exclusion_fraction", "touches_tumor", "exhaustive")
_KEY = {"slide": pa.string(), "item": pa.int64()}


def read_to_draw(path: Path) -> pd.DataFrame:
    """Read the columns that labels, splits and draw look at, in about 40 bytes a row.

    Args:
        path: Table `pathgen.patches.schemas.CANDIDATES`.

    Returns:
        All rows in their order; slide and label are categorical.

    Raises:
        PathgenError: The file is missing, damaged, or another table.
    """
    with open_parquet(path, columns_of_few_values=("slide", "label")) as file:
        if absent := [name for name in _LOOKED_AT if name not in file.schema_arrow.names]:
            raise PathgenError(path, f"misses column {', '.join(absent)}", "Run: dvc repro --force index")
        table = file.read(columns=list(_LOOKED_AT))
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas(types_mapper=NULLABLE.get)
    return frame.astype({"item": "int64", "exhaustive": "bool"})


def complete(drawn: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Give drawn candidates the columns that the draw did not look at.

    Args:
        drawn: Samples with at least slide, item, split, label and role, drawn from the file's rows.
        path: Table `pathgen.patches.schemas.CANDIDATES`, read piece by piece.

    Returns:
        Table `SAMPLES`, rows in the order of `drawn`.

    Raises:
        PathgenError: The file is missing, damaged, or another table.
    """
    decided = drawn[["slide", "item", "split", "label", "role"]]
    keys = pa.Table.from_pandas(decided, schema=pa.schema(_KEY), preserve_index=False)
    with open_parquet(path) as file:
        groups = (file.read_row_group(group) for group in range(file.num_row_groups))
        pieces = [group.join(keys, list(_KEY), join_type="left semi") for group in groups]
    rows = pa.concat_tables(pieces).drop_columns(["split", "label"]).to_pandas(types_mapper=NULLABLE.get)
    return check_table(decided.merge(rows, on=list(_KEY), how="left"), SAMPLES, path)
