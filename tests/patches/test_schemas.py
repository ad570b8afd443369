"""The tables between the stages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.schemas import CANDIDATES, COHORT, SAMPLES, check_table, empty_table


def _candidates(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slide": [f"tumor_{row:03d}" for row in range(rows)],
            "item": range(rows),
            "x_l0": [256, None, 3][:rows],
            "y_l0": [0, None, 3][:rows],
            "size_l0": [256] * rows,
            "file": [None] * rows,
            "split": ["train", None, "test"][:rows],
            "patient": [None] * rows,
            "label": ["tumor", None, "normal"][:rows],
            "tumor_fraction": [0.5, None, 0.0][:rows],
            "exclusion_fraction": [0.0] * rows,
            "tissue_fraction": [1.0] * rows,
            "touches_tumor": [True, None, False][:rows],
            "exhaustive": [True, False, True][:rows],
        }
    )


@pytest.mark.parametrize("rows", [3, 1])  # A nullable column without nulls keeps its type.
def test_table_round_trip_keeps_values_types_and_nulls(tmp_path: Path, rows: int) -> None:
    table = check_table(_candidates(rows), CANDIDATES, "table")
    write_table(table, tmp_path / "deep" / "table.parquet")
    again = read_table(tmp_path / "deep" / "table.parquet")
    pd.testing.assert_frame_equal(again, table)
    assert again["label"].tolist() == ["tumor", None, "normal"][:rows]
    assert again["file"].tolist() == [None] * rows
    types = {"x_l0": "Int64", "item": np.int64, "touches_tumor": "boolean", "exhaustive": bool}
    assert all(again[column].dtype == kind for column, kind in types.items())
    pd.testing.assert_frame_equal(check_table(again, CANDIDATES, "again"), table)


@pytest.mark.parametrize("schema", [COHORT, CANDIDATES, SAMPLES])
def test_table_without_rows_round_trips(tmp_path: Path, schema) -> None:
    write_table(empty_table(schema), tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(
        check_table(read_table(tmp_path / "table.parquet"), schema, "table"), empty_table(schema)
    )


def test_table_bytes_are_reproducible(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_table(check_table(_candidates(), CANDIDATES, "table"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert pd.__version__.encode() not in (tmp_path / "a").read_bytes()


def test_table_small_types_are_kept(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"score": np.float32([0.25, 1]), "row": np.int32([1, 2]), "label": ["normal", "tumor"]}
    )
    write_table(table, tmp_path / "t.parquet")
    again = read_table(tmp_path / "t.parquet")
    assert again["score"].dtype == np.float32 and again["row"].dtype == np.int32
    assert again["label"].tolist() == ["normal", "tumor"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=8))
def test_table_text_with_nulls_round_trips(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    write_table(pd.DataFrame({"text": pd.Series(values, dtype=object)}), path)
    assert read_table(path)["text"].tolist() == values


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop(columns="label"), "misses column label"),
        (lambda table: table.assign(extra=1), "unknown column extra"),
        (lambda table: table.assign(label="cancer"), "'cancer', not one of"),
        (lambda table: table.assign(slide=None), "column slide is empty in 3 rows"),
        (lambda table: table.assign(item=0, slide="s"), "more than once"),
        (lambda table: table.assign(item=["a", "b", "c"]), "column item is"),
        (lambda table: table.assign(x_l0=0.5), "column x_l0 is float64, not integer"),
        (lambda table: table.assign(exhaustive=[1, 2, 3]), "other than true and false"),
        (lambda table: table.assign(slide=[1, 2, 3]), "no text"),
    ],
)
def test_table_with_wrong_columns_is_named(change, said: str) -> None:
    with pytest.raises(PathgenError, match=said) as failure:
        check_table(change(_candidates()), CANDIDATES, "data/candidates.parquet")
    assert failure.value.subject == "data/candidates.parquet"


def test_table_missing_or_damaged_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="no such table"):
        read_table(tmp_path / "none.parquet")
    write_table(_candidates(), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    for broken in (b"", b"no parquet at all", whole[: len(whole) // 2]):
        (tmp_path / "t.parquet").write_bytes(broken)
        with pytest.raises(PathgenError, match="not readable as parquet"):
            read_table(tmp_path / "t.parquet")
