"""Splits by slide and by patient."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.patches.splits import assign_splits


def _cohort(rows: list[dict]) -> pd.DataFrame:
    plain = dict(split=None, patient=None, slide_known=True, skipped=None)
    return pd.DataFrame([{**plain, **row} for row in rows])


def _labelled(tumor: dict[str, int]) -> pd.DataFrame:
    slides = [slide for slide, count in tumor.items() for _ in range(count)]
    return pd.DataFrame(
        {"slide": [*slides, *tumor], "label": ["tumor"] * len(slides) + ["normal"] * len(tumor)}
    )


def _study(count: int = 12, patients: bool = False, official_test: int = 0, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = [
        dict(
            slide=f"s{number:02d}",
            patient=f"p{number // 3}" if patients else None,
            split="test" if number < official_test else None,
        )
        for number in range(count)
    ]
    return _cohort(rows), {row["slide"]: int(rng.integers(1, 50)) for row in rows}


def test_split_official_test_is_kept_and_valid_has_its_share() -> None:
    for seed in range(20):
        cohort, tumor = _study(20, official_test=6, seed=seed)
        split = assign_splits(cohort, _labelled(tumor), 0.3, None, seed)
        assert {slide for slide in split if split[slide] == "test"} == {
            f"s{number:02d}" for number in range(6)
        }
        pool = sum(tumor[slide] for slide in split if split[slide] != "test")
        held = sorted(tumor[slide] for slide in split if split[slide] == "valid")
        assert 0.3 * pool <= sum(held) < pool
        # Without one of its slides it would not have held the share yet: no more were drawn than needed.
        assert sum(held) - held[-1] < 0.3 * pool


def test_valid_is_drawn_from_official_train_only_if_not_official() -> None:
    cohort, tumor = _study(12)
    cohort["split"] = ["train"] * 9 + ["test"] * 3
    assert "valid" in assign_splits(cohort, _labelled(tumor), 0.3, None, 1).values()
    cohort["split"] = ["train"] * 6 + ["valid"] + [None] * 2 + ["test"] * 3
    split = assign_splits(cohort, _labelled(tumor), 0.3, None, 1)
    assert [slide for slide in split if split[slide] == "valid"] == ["s06"]
    assert split["s07"] == "train"


@pytest.mark.parametrize("seed", range(5))
def test_split_official_train_slides_never_become_test(seed: int) -> None:
    cohort, tumor = _study(12)
    cohort["split"] = ["train"] * 6 + [None] * 6
    split = assign_splits(cohort, _labelled(tumor), 0.3, 0.3, seed)
    assert {slide for slide in split if split[slide] == "test"} <= {
        f"s{number:02d}" for number in range(6, 12)
    }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.4), test_share=st.floats(0.05, 0.3))
def test_split_patients_are_in_one_split_in_any_row_order(seed: int, share: float, test_share: float) -> None:
    cohort, tumor = _study(30, patients=True, seed=seed)
    split = assign_splits(cohort, _labelled(tumor), share, test_share, seed)
    of_patient = cohort.assign(drawn=cohort["slide"].map(split)).groupby("patient")["drawn"].nunique()
    assert (of_patient == 1).all()
    assert set(split) == set(cohort["slide"])
    shuffled = cohort.sample(frac=1, random_state=seed)
    assert (
        assign_splits(shuffled, _labelled(tumor).sample(frac=1, random_state=1), share, test_share, seed)
        == split
    )


def test_split_seed_determines_the_result() -> None:
    cohort, tumor = _study(20, official_test=5)
    draws = [tuple(assign_splits(cohort, _labelled(tumor), 0.3, None, seed).items()) for seed in range(6)]
    assert len(set(draws)) > 3
    assert dict(draws[2]) == assign_splits(cohort, _labelled(tumor), 0.3, None, 2)


def test_patient_with_an_official_slide_follows_it() -> None:
    cohort, tumor = _study(12, patients=True)
    cohort.loc[0, "split"] = "test"
    split = assign_splits(cohort, _labelled(tumor), 0.3, None, 0)
    assert split["s00"] == split["s01"] == split["s02"] == "test"


def test_split_skipped_slides_are_in_none() -> None:
    cohort, tumor = _study(12, official_test=2)
    cohort.loc[5, "skipped"] = "broken"
    assert "s05" not in assign_splits(cohort, _labelled(tumor), 0.3, None, 0)


def test_split_unknown_slides_need_official_splits() -> None:
    cohort = _cohort(
        [dict(slide=f"pcam_{name}", split=name, slide_known=False) for name in ("train", "valid", "test")]
    )
    tumor = dict.fromkeys(cohort["slide"], 9)
    assert assign_splits(cohort, _labelled(tumor), 0.3, None, 0) == {
        "pcam_train": "train", "pcam_valid": "valid", "pcam_test": "test",
    }  # fmt: skip
    with pytest.raises(PathgenError, match="unknown slides"):
        assign_splits(cohort.drop(index=1), _labelled(tumor), 0.3, None, 0)


def test_split_missing_test_names_the_setting() -> None:
    cohort, tumor = _study(12)
    with pytest.raises(PathgenError, match=r"sample\.test_tumor_share: is null"):
        assign_splits(cohort, _labelled(tumor), 0.3, None, 0)


@pytest.mark.parametrize("seed", range(8))
def test_split_few_slides_leave_tumor_in_every_split(seed: int) -> None:
    cohort, _ = _study(6)
    tumor = {"s00": 900, "s01": 3, "s02": 5, "s03": 0, "s04": 0, "s05": 0}
    split = assign_splits(cohort, _labelled(tumor), 0.4, 0.4, seed)
    assert {split[slide] for slide in ("s00", "s01", "s02")} == {"train", "valid", "test"}


def test_split_too_few_tumor_slides_is_an_error() -> None:
    cohort, _ = _study(4, official_test=1)
    with pytest.raises(PathgenError, match=r"1 slides or patients with tumor patches .* into 2 splits"):
        assign_splits(cohort, _labelled({"s00": 5, "s01": 0, "s02": 7, "s03": 0}), 0.3, None, 0)
    cohort, _ = _study(4)
    with pytest.raises(PathgenError, match=r"2 slides .* into 3 splits"):
        assign_splits(cohort, _labelled({"s00": 5, "s01": 0, "s02": 7, "s03": 0}), 0.3, 0.3, 0)
