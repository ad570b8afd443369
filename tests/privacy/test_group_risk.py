"""Risk by group, most exposed patches, and the test between slides."""

import numpy as np
import pandas as pd
import pytest
from factories.privacy_sets import noise, pairs_of, privacy_settings
from sklearn.metrics import roc_auc_score

from pathgen.privacy.group_risk import most_exposed, risk_by_group, slides_auc
from pathgen.privacy.membership_tests import TestResult


def test_risk_by_group_uses_the_common_threshold() -> None:
    rng = np.random.default_rng(4)
    scores, is_member = rng.normal(size=400), np.arange(400) < 200
    slides = [f"s{i % 4}" for i in range(200)] + [f"s{i % 3}" for i in range(200)]
    scores[[0, 4, 8, 12]] += 100  # of slide s0
    risks = {risk.name: risk for risk in risk_by_group(scores, is_member, slides, confidence=0.95)}
    threshold = np.sort(scores[200:])[-3]  # two of 200 may exceed it
    for name in ("s0", "s3"):
        own = np.array([s for s, m, at in zip(scores, is_member, slides, strict=True) if m and at == name])
        assert risks[name].named == (own > threshold).sum() and risks[name].members == 50
    assert risks["s0"].low > 0.01 and risks["s3"].auc is None
    own_rows = [i for i in range(400) if slides[i] == "s1"]
    assert risks["s1"].auc == pytest.approx(roc_auc_score(is_member[own_rows], scores[own_rows]))


def between_slides(seen: np.ndarray, seen_slides: list[str], n_permutations: int) -> TestResult | None:
    unseen, unseen_slides = np.repeat([1.0, 2, 3, 4], 20), [f"b{i // 20}" for i in range(80)]
    settings = privacy_settings().model_copy(update={"n_permutations": n_permutations})
    return slides_auc(seen, seen_slides, unseen, unseen_slides, settings, np.random.default_rng(0))


def test_slides_auc_permutes_whole_slides() -> None:
    seen, slides = np.repeat([5.0, 6, 7, 8, 9], 20), [f"a{i // 20}" for i in range(100)]
    exact = between_slides(seen, slides, 999)
    assert exact is not None and exact.value == 1.0
    assert exact.p_value == pytest.approx(1 / 126)  # there are 126 permutations of the slides
    sampled = between_slides(seen, slides, 99)
    assert sampled is not None and 0.01 <= sampled.p_value < 0.06
    assert between_slides(seen, ["a"] * 100, 9) is None


def test_most_exposed_lists_the_copied_patch_first() -> None:
    members, nonmembers, reference, synthetic = (noise(seed, 30) for seed in range(4))
    synthetic[17] = members[5]
    settings = privacy_settings(symmetries="identity", shift_shortlist=1)
    pairs = pairs_of(members, nonmembers, reference, synthetic, settings)
    rows = pd.DataFrame({"slide": "a", "item": np.arange(30)})
    first, second, *_ = most_exposed(pairs, rows, 100 + np.arange(30))
    assert (first.item, first.synthetic_row) == (5, 117)
    assert first.correlation == pytest.approx(1) and second.correlation < 0.99
    # The row of the nearest image is also correct in a union of sets.
    union = pairs.pool.profile(noise(9, 4)).union(pairs.profile)
    assert union.pairs["ncc"].image[5] == 4 + 17


def test_most_exposed_is_relative_to_the_reference() -> None:
    members, nonmembers, reference, synthetic = (noise(seed, 30) for seed in range(10, 14))
    synthetic[1], synthetic[2], reference[3] = members[1], members[2], members[2]
    settings = privacy_settings(symmetries="identity", shift_shortlist=1, exposed_patches=30)
    pairs = pairs_of(members, nonmembers, reference, synthetic, settings)
    rows = pd.DataFrame({"slide": "a", "item": np.arange(30)})
    exposed = [patch.item for patch in most_exposed(pairs, rows, np.arange(30))]
    assert exposed[0] == 1 and exposed.index(2) > 10
