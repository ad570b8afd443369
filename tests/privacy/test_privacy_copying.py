"""Published scores of copying, densities and risks, each against an independent plain computation."""

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity

from pathgen.privacy.density import density_ratio, fit_projection, log_density, share_within
from pathgen.privacy.group_risk import exposed_first, risk_by_group, slides_told_apart
from pathgen.privacy.memorisation_scores import (
    DESCRIPTIONS,
    data_copying,
    describe,
    expected_k_count,
    yardstick,
)
from pathgen.privacy.nearest_pairs import Pool
from pathgen.privacy.neighbours import nearest_both_ways, nearest_vectors
from pathgen.privacy.shadow import shadow_scores


def patches(seed: int, n: int, *, spread: float = 30.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.normal(128, spread, (n, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(coarse + rng.normal(0, 4, (n, 16, 16, 3)), 0, 255).astype(np.uint8)


def gap(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(((a.astype(float) - b.astype(float)) ** 2).mean()))


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool(patches(0, 40), patches(1, 40), fit_projection(patches(2, 40)), "identity", 0, 1, "cpu")


def described(images: np.ndarray, pool: Pool) -> dict:
    measured = yardstick(pool, np.random.default_rng(0))
    at = pool.projection.coordinates(images)
    return describe(images, at, pool, measured, confidence=0.95, rng=np.random.default_rng(1))


def test_scores_equal_plain_loops(pool: Pool) -> None:
    synthetic = np.concatenate([patches(3, 50), pool.members[:5]])
    found = described(synthetic, pool)
    to_members = np.array([[gap(s, t) for t in pool.members] for s in synthetic])
    to_others = np.array([[gap(s, h) for h in pool.nonmembers] for s in synthetic])
    own = np.array([[gap(t, u) for u in pool.members] for t in pool.members])
    np.fill_diagonal(own, np.inf)
    base = np.array([[gap(h, t) for t in pool.members] for h in pool.nonmembers])
    counts = [
        1 + min(10, (row < first).sum()) for row, first in zip(to_others, to_members.min(1), strict=True)
    ]
    assert found["k_count"].value == pytest.approx(np.mean(counts))
    nearest, unseen = to_members.min(1), base.min(1)
    for name, quantile in (("distance_ratio", 0.5), ("closest_distance_ratio", 0.01)):
        expected = np.quantile(nearest, quantile) / np.quantile(unseen, quantile)
        assert found[name].value == pytest.approx(expected)
    second = np.sort(to_members, axis=1)[:, 1]
    assert found["neighbour_ratio"].value == pytest.approx(np.median(nearest / second))
    authentic = [d.min() > own[d.argmin()].min() for d in to_members]
    of_unseen = [d.min() > own[d.argmin()].min() for d in base]
    assert found["authenticity"].value == pytest.approx(np.mean(authentic))
    assert found["authenticity"].expected == pytest.approx(np.mean(of_unseen))
    u = scipy.stats.mannwhitneyu(nearest, unseen).statistic
    assert found["data_copying_share"].value == pytest.approx(u / (len(nearest) * len(unseen)))
    # Forty members make one cell: there C_T is the z-score of the whole sets, without correction.
    product, total = len(nearest) * len(unseen), len(nearest) + len(unseen)
    z = (u - product / 2) / np.sqrt(product * (total + 1) / 12)
    assert found["data_copying"].value == pytest.approx(z)
    assert set(found) == set(DESCRIPTIONS)


def test_the_data_copying_test_weighs_cells() -> None:
    rng = np.random.default_rng(0)
    q, p = rng.normal(size=90), rng.normal(size=70)
    cell_q, cell_p = np.arange(90) % 3, np.repeat([0, 1, 2, 3], [30, 20, 15, 5])
    expected, weight = 0.0, 0
    for cell in range(3):
        a, b = q[cell_q == cell], p[cell_p == cell]
        u = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
        expected += len(b) * (u - len(a) * len(b) / 2) / np.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
        weight += len(b)
    assert data_copying(q, p, cell_q, cell_p) == pytest.approx(expected / weight)
    # A cell with fewer than 20 generated samples says nothing.
    few = np.where(cell_q == 2, np.where(np.arange(90) < 60, 2, 0), cell_q)
    assert (few == 2).sum() == 20
    fewer = np.where((few == 2) & (np.arange(90) < 3), 1, few)
    assert data_copying(q, p, fewer, cell_p) == pytest.approx(
        data_copying(q[fewer != 2], p[cell_p != 2], fewer[fewer != 2], cell_p[cell_p != 2])
    )


def test_expected_k_count_is_that_of_a_random_order() -> None:
    rng = np.random.default_rng(1)
    firsts = [1 + min(10, int(np.argmax(rng.permutation(30) < 12))) for _ in range(20_000)]
    assert expected_k_count(12, 18) == pytest.approx(np.mean(firsts), abs=0.03)


def test_scores_of_fresh_originals_are_as_expected_of_copies_and_of_low_variety_not(pool: Pool) -> None:
    fresh, copies = described(patches(4, 200), pool), described(pool.members, pool)
    poor = described(patches(5, 200, spread=8.0), pool)
    for name in ("k_count", "distance_ratio", "data_copying", "data_copying_share"):
        assert fresh[name].low <= fresh[name].expected <= fresh[name].high
        assert copies[name].high < copies[name].expected
    assert copies["authenticity"].value == 0 and copies["k_count"].value == 1
    # The false alarm for which they have no part in the verdict.
    assert poor["data_copying"].value < -3 and poor["distance_ratio"].high < 1


def test_densities_equal_sklearn_and_stay_finite_far_away() -> None:
    rng = np.random.default_rng(2)
    points, sample, other = (rng.normal(size=(n, 5)).astype(np.float32) for n in (30, 80, 60))
    kernel = KernelDensity(bandwidth=0.4).fit(sample)
    constant = 2.5 * np.log(2 * np.pi * 0.4**2)
    expected = kernel.score_samples(points) + constant
    np.testing.assert_allclose(log_density(points, sample, 0.4), expected, rtol=1e-4)
    nearest = np.array([np.linalg.norm(other - p, axis=1).min() for p in points])
    width = np.median(nearest) / 3
    by_sklearn = [KernelDensity(bandwidth=width).fit(s).score_samples(points) for s in (sample, other)]
    np.testing.assert_allclose(
        density_ratio(points, sample, other), by_sklearn[0] - by_sklearn[1], rtol=1e-3, atol=1e-3
    )
    far = log_density(points + 1000, sample, 0.4)
    assert np.isfinite(far).all() and len(np.unique(far)) == 30
    inside = [(np.linalg.norm(sample - p, axis=1) <= 1.5).mean() for p in points]
    np.testing.assert_allclose(share_within(points, sample, 1.5), inside, atol=1e-6)


def test_the_axes_are_the_principal_ones() -> None:
    images = patches(6, 30)
    rows = images.reshape(30, -1).astype(float)
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:5].T / np.sqrt(rows.shape[1])
    found = fit_projection(images).coordinates(images)[:, :5]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)


def test_neighbours_of_vectors_equal_the_loop() -> None:
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=(11, 6)), rng.normal(size=(9, 6))
    table = np.array([[np.sqrt(((a - b) ** 2).mean()) for b in right] for a in left])
    for found, distances in zip(nearest_vectors(left, right, k=2), (table, table.T), strict=True):
        np.testing.assert_array_equal(found.index, distances.argsort(axis=1)[:, :2])
        np.testing.assert_allclose(found.distance, np.sort(distances, axis=1)[:, :2])


def test_risk_per_slide_is_counted_at_the_common_threshold() -> None:
    rng = np.random.default_rng(4)
    scores, is_member = rng.normal(size=400), np.arange(400) < 200
    slides = [f"s{i % 4}" for i in range(200)] + [f"s{i % 3}" for i in range(200)]
    scores[[0, 4, 8, 12]] += 100  # of slide s0
    entries = {entry["name"]: entry for entry in risk_by_group(scores, is_member, slides, confidence=0.95)}
    threshold = np.sort(scores[200:])[-3]  # two of 200 may lie above
    for name in ("s0", "s3"):
        own = np.array([s for s, m, at in zip(scores, is_member, slides, strict=True) if m and at == name])
        assert entries[name]["named"] == (own > threshold).sum() and entries[name]["members"] == 50
    assert entries["s0"]["low"] > 0.01 and entries["s3"]["auc"] is None
    own_rows = [i for i in range(400) if slides[i] == "s1"]
    assert entries["s1"]["auc"] == pytest.approx(roc_auc_score(is_member[own_rows], scores[own_rows]))


def test_slides_are_exchanged_whole() -> None:
    # Patches of one slide are alike: five slides against four, all patches of the former higher.
    seen, unseen = np.repeat([5.0, 6, 7, 8, 9], 20), np.repeat([1.0, 2, 3, 4], 20)
    slides = [f"a{i // 20}" for i in range(100)], [f"b{i // 20}" for i in range(80)]
    found = slides_told_apart(
        seen, slides[0], unseen, slides[1], confidence=0.95, n_permutations=999, rng=np.random.default_rng(0)
    )
    assert found is not None and found.value == 1.0
    assert found.p_value == pytest.approx(1 / 126)  # not 1e-40: there are 126 ways to exchange the slides
    drawn = slides_told_apart(
        seen, slides[0], unseen, slides[1], confidence=0.95, n_permutations=99, rng=np.random.default_rng(0)
    )
    assert drawn is not None and 0.01 <= drawn.p_value < 0.06
    one = ["a"] * 100
    assert (
        slides_told_apart(
            seen, one, unseen, slides[1], confidence=0.95, n_permutations=9, rng=np.random.default_rng(0)
        )
        is None
    )


def test_exposure_is_relative_to_how_common_a_patch_is() -> None:
    assert exposed_first(np.array([0.1, 0.02, 0.5]), np.array([0.1, 0.1, 0.6])).tolist() == [1, 2, 0]


def test_a_shadow_discriminator_tells_copies_and_repeats_itself() -> None:
    members, others, reference = patches(7, 30), patches(8, 30), patches(9, 60)
    chosen = {"steps": 100, "seed": 1, "purpose": "test", "device": "cpu"}
    judged = np.concatenate([members, others])
    scores = shadow_scores(members, reference, judged, **chosen)
    assert roc_auc_score(np.arange(60) < 30, scores) > 0.7
    np.testing.assert_array_equal(scores, shadow_scores(members, reference, judged, **chosen))


def test_scores_need_no_more_neighbours_than_there_are(pool: Pool) -> None:
    few = described(patches(10, 4), pool)
    assert few["k_count"].value >= 1
    found, _ = nearest_both_ways(pool.members[:3], pool.members, measure="ncc-square", k=3)
    assert found.index[:, 0].tolist() == [0, 1, 2]
