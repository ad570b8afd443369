"""Patches that are copied from an earlier sample: the same bytes as without the cache."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from factories.cohort import rows
from factories.jpeg_slides import tissue_like, write_jpeg_slide
from factories.patch_sets import content
from factories.slide_cohort import extract, list_slides, values

from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.schemas import ROLES, SAMPLES

SIDE = 32
# Tiles of 64 px, four to a row; the file does not hold the second and the third one of the first row.
MISSING = {1, 2}
# Eight patches to a row, and two to a tile's side: 2 to 5 and 10 to 13 lie on missing tiles.
EARLIER, LATER = range(12), range(4, 20)
ON_MISSING = {2, 3, 4, 5, 10, 11, 12, 13}


def _draw(out: Path, items: Sequence[int]) -> None:
    lines = [
        {
            "slide": "sparse",
            "item": item,
            "x_l0": item % 8 * SIDE,
            "y_l0": item // 8 * SIDE,
            "size_l0": SIDE,
            "file": "sparse.tif",
            "split": "train",
            "label": "normal",
            "exhaustive": True,
            "role": ROLES[item % len(ROLES)],
        }
        for item in items
    ]
    write_table(rows(SAMPLES, lines), out / "samples.parquet")


def _write_slide(root: Path, compression: str) -> None:
    root.mkdir()
    write_jpeg_slide(root / "sparse.tif", tissue_like(256, 256), missing=MISSING, compression=compression)
    list_slides(root)


@pytest.mark.parametrize(
    ("compression", "incomplete"), [("jpeg", len(ON_MISSING & set(LATER))), ("adobe_deflate", None)]
)
def test_extract_reuses_patches_of_an_earlier_sample(
    tmp_path: Path, compression: str, incomplete: int | None
) -> None:
    root, work = tmp_path / "slides", tmp_path / "work"
    _write_slide(root, compression)
    for name, items in (("earlier", EARLIER), ("later", LATER)):
        _draw(tmp_path / name, items)
        extract(root, tmp_path / name, work)
    (found,) = values(work, "extract", "sparse")
    assert found["read"] == len(set(LATER) - set(EARLIER))
    _draw(tmp_path / "fresh", LATER)
    extract(root, tmp_path / "fresh", tmp_path / "fresh_work")
    assert content(tmp_path / "later") == content(tmp_path / "fresh")
    extracted = read_table(tmp_path / "later/patches_by_slide.parquet").iloc[0]
    assert extracted["patches"] == len(LATER)
    assert pd.isna(extracted["incomplete"]) if incomplete is None else extracted["incomplete"] == incomplete
