"""Labels of candidates."""

import numpy as np
import pandas as pd
import pytest
from factories.sampling import AREA
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.patches.sampling import label_candidates
from pathgen.patches.schemas import CANDIDATES, check_table
from pathgen.patches.settings import LabelSettings

_AREA = LabelSettings.model_validate(AREA)
_PAPER = LabelSettings.model_validate(AREA | {"rule": "paper"})


def _rows(*rows: dict) -> pd.DataFrame:
    plain = dict(
        slide="s", size_l0=256, x_l0=0, y_l0=0, file="s.tif", split=None, patient=None, label=None,
        tumor_fraction=0.0, exclusion_fraction=0.0, tissue_fraction=1.0, touches_tumor=False, exhaustive=True,
    )  # fmt: skip
    table = pd.DataFrame([{**plain, "item": number, **row} for number, row in enumerate(rows)])
    return check_table(table, CANDIDATES, "rows")


def _labels(table: pd.DataFrame, rule: LabelSettings) -> list[str | None]:
    labelled = label_candidates(table, rule).set_index("item")["label"]
    return [labelled.get(item) for item in table["item"]]


def test_area_rule_leaves_out_ambiguous_and_excluded_patches() -> None:
    table = _rows(
        dict(tumor_fraction=0.5),
        dict(tumor_fraction=0.49),
        dict(tumor_fraction=1e-9),
        dict(),
        dict(exclusion_fraction=0.2),
        dict(exhaustive=False),
        dict(exhaustive=False, tumor_fraction=1.0),
        dict(tumor_fraction=0.6, exclusion_fraction=0.4),
        dict(exclusion_fraction=None),
    )
    expected = ["tumor", None, None, "normal", None, None, "tumor", "tumor", None]
    assert _labels(table, _AREA) == expected


def test_paper_rule_labels_every_touched_patch_tumor() -> None:
    table = _rows(
        dict(touches_tumor=True, tumor_fraction=0.0),
        dict(touches_tumor=False, tumor_fraction=0.0),
        dict(touches_tumor=False, exhaustive=False),
    )
    assert _labels(table, _PAPER) == ["tumor", "normal", None]


def test_label_of_the_source_is_kept() -> None:
    nothing = dict(tumor_fraction=None, exclusion_fraction=None, touches_tumor=None)
    table = _rows(
        dict(label="normal", **nothing),
        dict(label="tumor", **nothing),
        dict(label="normal", tumor_fraction=1.0, touches_tumor=True),
        dict(label="tumor", tumor_fraction=0.0, touches_tumor=False),
    )
    assert _labels(table, _AREA) == ["normal", "tumor", "normal", "tumor"] == _labels(table, _PAPER)


def test_label_missing_without_fraction_is_an_error() -> None:
    with pytest.raises(PathgenError, match="slide s: candidates have neither a label nor a tumor_fraction"):
        label_candidates(_rows(dict(tumor_fraction=None)), _AREA)
    with pytest.raises(PathgenError, match="touches_tumor"):
        label_candidates(_rows(dict(touches_tumor=None)), _PAPER)


@settings(max_examples=20, deadline=None)
@given(
    fractions=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    low=st.floats(0, 0.5),
    high=st.floats(0.51, 1),
    seed=st.integers(0, 99),
)
def test_area_rule_equals_a_loop(fractions: list[float], low: float, high: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        dict(
            tumor_fraction=value, exhaustive=bool(rng.random() < 0.7), exclusion_fraction=float(rng.random())
        )
        for value in fractions
    ]
    expected = []
    for row in rows:
        if row["tumor_fraction"] >= high:
            expected.append("tumor")
        elif row["tumor_fraction"] <= low and row["exhaustive"] and row["exclusion_fraction"] <= 0.3:
            expected.append("normal")
        else:
            expected.append(None)
    rule = LabelSettings(
        rule="area", min_tumor_fraction=high, max_normal_fraction=low, max_exclusion_fraction=0.3
    )
    assert _labels(_rows(*rows), rule) == expected
