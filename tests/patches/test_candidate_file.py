"""The draw out of the file of all candidates, against the draw in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories.sampling import sample_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.patches.candidates_io import complete, read_to_draw
from pathgen.patches.parquet import concatenate_tables, write_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.schemas import CANDIDATES, COHORT, SAMPLES, check_table
from pathgen.patches.settings import SampleSettings

_PER_CLASS = {"train": 9, "valid": 3, "test": 4, "nonmember": 9, "reference": 9}


def _settings(rule: str = "area", seed: int = 11) -> SampleSettings:
    label = dict(rule=rule, min_tumor_fraction=0.5, max_normal_fraction=0.1, max_exclusion_fraction=0.2)
    return sample_settings(_PER_CLASS, label, seed=seed, test_tumor_share=0.2, on_shortage="shrink")


def _candidates(seed: int, labelled: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a cohort and its candidates: of slides with outlines, or labelled ones without coordinates."""
    rng = np.random.default_rng(seed)
    slides = [f"slide {number}" for number in range(9)]
    rows = []
    for slide in slides:
        items = np.sort(rng.choice(400, 60, replace=False))
        known: dict[str, Any] = dict(slide=slide, item=items, exhaustive=rng.random(60) < 0.8)
        if labelled:
            known |= dict(label=np.where(rng.random(60) < 0.5, "tumor", "normal"), file="patches.h5")
        else:
            known |= dict(
                x_l0=items * 64, y_l0=7, size_l0=64, touches_tumor=rng.random(60) < 0.5,
                tumor_fraction=np.clip(rng.normal(0.4, 0.5, 60), 0, 1), tissue_fraction=rng.random(60),
                exclusion_fraction=np.where(rng.random(60) < 0.1, np.nan, 0.0),
            )  # fmt: skip
        rows.append(pd.DataFrame(known))
    candidates = pd.concat(rows).reindex(columns=CANDIDATES.names)
    cohort = pd.DataFrame({"slide": slides, "source": "s", "path": slides, "exhaustive": True})
    cohort = cohort.assign(slide_known=True).reindex(columns=COHORT.names)
    return check_table(cohort, COHORT, "c"), check_table(candidates, CANDIDATES, "x")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    labelled=st.booleans(),
    rule=st.sampled_from(["area", "paper"]),
    parts=st.integers(1, 4),
)
def test_sampling_from_file_equals_sampling_in_memory(
    tmp_path: Path, seed: int, labelled: bool, rule: str, parts: int
) -> None:
    cohort, candidates = _candidates(seed, labelled)
    pieces = [tmp_path / f"{number}.parquet" for number in range(parts)]
    for piece, rows in zip(pieces, np.array_split(np.arange(len(candidates)), parts), strict=True):
        write_table(candidates.iloc[rows], piece)
    file = tmp_path / "candidates.parquet"
    concatenate_tables(pieces, CANDIDATES, file)
    rules = _settings(rule, seed)
    expected = sample_cohort(cohort, candidates, rules)
    looked_at = read_to_draw(file)
    assert set(looked_at["slide"].cat.categories) == set(candidates["slide"])
    found = complete(sample_cohort(cohort, looked_at, rules), file)
    pd.testing.assert_frame_equal(found, expected)
    check_table(found, SAMPLES, "samples")


def test_candidates_file_is_small(tmp_path: Path) -> None:
    """With eleven million of them, texts of their own would take gigabytes."""
    candidates = pd.concat([_candidates(seed, labelled=False)[1] for seed in range(20)])
    candidates["item"] = np.arange(len(candidates))
    write_table(candidates, tmp_path / "candidates.parquet")
    assert read_to_draw(tmp_path / "candidates.parquet").memory_usage(deep=True).sum() < 40 * len(candidates)


def test_candidates_damaged_column_or_other_table_is_named(tmp_path: Path) -> None:
    cohort, candidates = _candidates(3, labelled=False)
    file = tmp_path / "candidates.parquet"
    write_table(candidates, file)
    drawn = sample_cohort(cohort, read_to_draw(file), _settings())
    content = bytearray(file.read_bytes())
    content[10:2000] = b"\xff" * 1990
    file.write_bytes(content)
    for read in (lambda: read_to_draw(file), lambda: complete(drawn, file)):
        with pytest.raises(PathgenError, match="not readable as parquet"):
            read()
    write_table(cohort, file)
    with pytest.raises(PathgenError, match="misses column item, tumor_fraction"):
        read_to_draw(file)
