"""The draw of the roles."""

import hashlib
import math
import random
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from factories.sampling import sample_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenErrors
from pathgen.patches.sampling import _uniform, _weighted_draw, draw_samples, sample_cohort
from pathgen.patches.schemas import CANDIDATES, SAMPLES, check_table

_COUNTS = {"train": 12, "valid": 5, "test": 6, "nonmember": 7, "reference": 8}
_SPLIT = {"a": "train", "b": "train", "c": "valid", "d": "test"}


def _candidates(per_slide: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = []
    for slide, (normal, tumor) in per_slide.items():
        for item in range(normal + tumor):
            label = "normal" if item < normal else "tumor"
            rows.append(
                {"slide": slide, "item": item * 3, "label": label, "split": _SPLIT[slide], "exhaustive": True}
            )
    return check_table(pd.DataFrame(rows).reindex(columns=CANDIDATES.names), CANDIDATES, "candidates")


_PLENTY = {"a": (50, 20), "b": (10, 40), "c": (30, 30), "d": (9, 9)}


def _keys(samples: pd.DataFrame) -> set[tuple[str, int]]:
    return set(zip(samples["slide"], samples["item"], strict=True))


def test_sample_random_numbers_are_uniform_and_independent() -> None:
    slides = np.repeat([f"s{number}" for number in range(40)], 500)
    items = np.tile(np.arange(500), 40)
    numbers = _uniform(1, "draw", slides, items)
    assert ((numbers > 0) & (numbers < 1)).all() and len(np.unique(numbers)) == len(numbers)
    counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-square, 19 degrees of freedom, p = 0.001
    table = numbers.reshape(40, 500)
    assert abs(np.corrcoef(table[:-1].ravel(), table[1:].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(table[:, :-1].ravel(), table[:, 1:].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(numbers, _uniform(1, "role", slides, items))[0, 1]) < 0.03


def _one_by_one(weights: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """The naive twin: draw one row with probability proportional to its weight, take it out, repeat."""
    left = list(range(len(weights)))
    drawn = []
    for _ in range(count):
        share = weights[left] / weights[left].sum()
        drawn.append(left.pop(int(rng.choice(len(left), p=share))))
    return drawn


def test_sample_weights_equal_sequential_sampling() -> None:
    slides = ["a"] * 2 + ["b"] * 6 + ["c"] * 12
    pool = pd.DataFrame({"slide": slides, "item": range(20)})
    weights = np.array([1 / slides.count(slide) for slide in slides])
    repeats, count = 500, 9
    rng = np.random.default_rng(5)
    naive = np.bincount(
        [row for _ in range(repeats) for row in _one_by_one(weights, count, rng)], minlength=20
    )
    fast = np.bincount(
        [row for seed in range(repeats) for row in _weighted_draw(pool, count, seed)["item"]], minlength=20
    )
    for slide in "abc":
        rows = [number for number, name in enumerate(slides) if name == slide]
        # Inclusion probabilities by slide; their standard error is below 0.015.
        assert fast[rows].mean() / repeats == pytest.approx(naive[rows].mean() / repeats, abs=0.05)
    assert fast[:2].mean() > fast[2:8].mean() > fast[8:].mean()


def test_sample_shortage_names_every_count() -> None:
    scarce = _candidates({"a": (50, 5), "b": (10, 4), "c": (30, 2), "d": (9, 9)})
    with pytest.raises(PathgenErrors) as failure:
        draw_samples(scarce, _COUNTS, 0, "stop")
    train, valid = (str(error) for error in failure.value.errors)
    assert (
        "27 tumor patches wanted (train 12 + nonmember 7 + reference 8), 9 available on the train slides"
        in train
    )
    assert "sample: valid tumor: 5 tumor patches wanted (valid 5), 2 available" in valid
    assert "on_shortage: shrink" in train


def test_shrink_keeps_proportions_and_other_splits() -> None:
    scarce = _candidates({"a": (50, 5), "b": (10, 4), "c": (30, 2), "d": (9, 9)})
    samples = draw_samples(scarce, _COUNTS, 0, "shrink")
    counts = samples.groupby(["role", "label"]).size().unstack()
    assert (counts["normal"] == counts["tumor"]).all()
    assert counts["tumor"].to_dict() == {"train": 4, "nonmember": 2, "reference": 2, "valid": 2, "test": 6}


def test_fresh_patches_are_drawn_only_when_asked_for() -> None:
    candidates = _candidates(_PLENTY)
    without = draw_samples(candidates, _COUNTS, 0, "stop")
    assert without.equals(draw_samples(candidates, _COUNTS | {"fresh": 0}, 0, "stop"))
    samples = draw_samples(candidates, _COUNTS | {"fresh": 10}, 0, "stop")
    assert samples["role"].value_counts()["fresh"] == 20
    assert set(samples.loc[samples["role"] == "fresh", "split"]) == {"train"}
    assert len(_keys(samples)) == len(samples) == 2 * (sum(_COUNTS.values()) + 10)


def test_shrink_leaves_no_role_empty() -> None:
    with pytest.raises(PathgenErrors, match="no patch is left"):
        draw_samples(_candidates({"a": (50, 2), "b": (1, 0), "c": (9, 9), "d": (9, 9)}), _COUNTS, 0, "shrink")


def test_sample_cohort_assigns_candidates_to_roles() -> None:
    slides = [f"s{number:02d}" for number in range(12)]
    cohort = pd.DataFrame(
        {
            "slide": slides,
            "split": [None] * 9 + ["test"] * 3,
            "patient": None,
            "slide_known": True,
            "skipped": None,
        }
    )
    rng = np.random.default_rng(0)
    rows = [
        dict(
            slide=slide, item=item, tumor_fraction=float(rng.choice([0.0, 0.3, 0.9])), exclusion_fraction=0.0
        )
        for slide in slides
        for item in range(60)
    ]
    candidates = pd.DataFrame(rows).assign(exhaustive=True).reindex(columns=CANDIDATES.names)
    candidates = check_table(candidates, CANDIDATES, "candidates")
    samples = sample_cohort(cohort, candidates, sample_settings(_COUNTS, seed=7))
    assert set(samples["role"]) == set(_COUNTS)
    assert samples.groupby("slide")["split"].nunique().max() == 1
    assert set(samples.loc[samples["role"] == "test", "slide"]) <= set(slides[9:])
    assert not samples["tumor_fraction"].isin([0.3]).any()


def _plain_draw(candidates: pd.DataFrame, counts: dict[str, int], seed: int) -> dict[tuple[str, int], str]:
    """The naive twin of the whole draw: Python's own numbers, one candidate after the other."""

    def uniform(purpose: str, slide: str, item: int) -> float:
        digest = hashlib.sha256(f"{seed}/{purpose}/{slide}".encode()).digest()
        state = ((int.from_bytes(digest[:8], "big") >> 1) + (item + 1) * 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
        return (((state ^ state >> 31) >> 11) + 0.5) / 2**53

    role_of = {}
    for roles in (("train", "nonmember", "reference"), ("valid",), ("test",)):
        for label in ("normal", "tumor"):
            pool = [
                (row.slide, row.item)
                for row in candidates.itertuples()
                if row.split == roles[0] and row.label == label
            ]
            on_slide = Counter(slide for slide, _ in pool)
            # A wait that ends at a rate of 1 / (patches on the slide): those that end first are drawn.
            waits = {key: -math.log(uniform("draw", *key)) * on_slide[key[0]] for key in pool}
            drawn = sorted(pool, key=waits.__getitem__)[: sum(counts[role] for role in roles)]
            drawn.sort(key=lambda key: uniform("role", *key))
            for role in roles:
                for key in drawn[: counts[role]]:
                    role_of[key] = role
                drawn = drawn[counts[role] :]
    return role_of


def test_sample_equals_a_loop() -> None:
    candidates = _candidates(_PLENTY)
    for seed in (0, 13371):
        samples = draw_samples(candidates, _COUNTS, seed, "stop")
        found = dict(zip(zip(samples["slide"], samples["item"], strict=True), samples["role"], strict=True))
        assert found == _plain_draw(candidates, _COUNTS, seed)
        order = ["role", "label", "slide", "item"]
        assert samples[order].to_numpy().tolist() == samples.sort_values(order)[order].to_numpy().tolist()
        check_table(samples, SAMPLES, "samples")


@settings(max_examples=10, deadline=None)
@given(
    per_slide=st.fixed_dictionaries(
        {name: st.tuples(st.integers(1, 40), st.integers(1, 40)) for name in "abcd"}
    ),
    each=st.integers(1, 30),
    seed=st.integers(0, 10**9),
    order=st.randoms(use_true_random=False),
)
def test_sample_roles_are_disjoint_and_share_slides(
    per_slide: dict[str, tuple[int, int]], each: int, seed: int, order: random.Random
) -> None:
    candidates = _candidates(per_slide)
    counts = {"train": each, "nonmember": each, "reference": each, "valid": each, "test": each}
    try:
        samples = draw_samples(candidates, counts, seed, "shrink")
    except PathgenErrors:
        # Only where not even one patch each is there.
        train = candidates[candidates["split"] == "train"]
        assert train["label"].value_counts().min() < 3
        return
    assert not samples.duplicated(["slide", "item"]).any()
    assert (samples.groupby("slide")["split"].nunique() == 1).all()
    size = samples.groupby(["role", "label"]).size().unstack()
    assert (size.loc["train"] == size.loc["nonmember"]).all()
    assert (size.loc["train"] == size.loc["reference"]).all()
    three = samples[samples["role"].isin(["train", "nonmember", "reference"])]
    assert set(three["slide"]) <= {"a", "b"}
    if (size.loc["train"] == each).all():
        # One draw, parted by chance: which rows are drawn does not depend on how they are parted.
        uneven = counts | {"train": 3 * each - 2, "nonmember": 1, "reference": 1}
        again = draw_samples(candidates, uneven, seed, "shrink")
        assert _keys(again[again["split"] == "train"]) == _keys(three)
    rows = list(range(len(candidates)))
    order.shuffle(rows)
    pd.testing.assert_frame_equal(draw_samples(candidates.iloc[rows], counts, seed, "shrink"), samples)
