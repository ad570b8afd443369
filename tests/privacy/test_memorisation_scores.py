"""Memorisation scores, densities and the shadow discriminator against independent plain computations."""

import numpy as np
import pytest
import scipy.stats
from factories.privacy_sets import blocks, privacy_settings, rms
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity

from pathgen.privacy.discriminator_attacks import shadow_scores
from pathgen.privacy.kernel_density import density_ratio, fit_projection, log_density, share_within
from pathgen.privacy.memorisation_scores import (
    SCORES,
    compute_scores,
    data_copying,
    expected_k_count,
    reference_stats,
)
from pathgen.privacy.nearest_pairs import CandidatePool
from pathgen.results.audit_record import MemorisationScore


@pytest.fixture(scope="module")
def pool() -> CandidatePool:
    projection = fit_projection(blocks(2, 40))
    return CandidatePool(blocks(0, 40), blocks(1, 40), projection, privacy_settings(symmetries="identity"))


def scores_of(images: np.ndarray, pool: CandidatePool) -> dict[str, MemorisationScore]:
    stats = reference_stats(pool, np.random.default_rng(0))
    return compute_scores(images, stats, np.random.default_rng(1))


def test_scores_equal_the_loops(pool: CandidatePool) -> None:
    synthetic = np.concatenate([blocks(3, 50), pool.members[:5]])
    found = scores_of(synthetic, pool)
    to_members = np.array([[rms(s, t) for t in pool.members] for s in synthetic])
    to_others = np.array([[rms(s, h) for h in pool.nonmembers] for s in synthetic])
    own = np.array([[rms(t, u) for u in pool.members] for t in pool.members])
    np.fill_diagonal(own, np.inf)
    base = np.array([[rms(h, t) for t in pool.members] for h in pool.nonmembers])
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
    # With 40 members there is one cell, so C_T is the z-score of the whole sets.
    product, total = len(nearest) * len(unseen), len(nearest) + len(unseen)
    z = (u - product / 2) / np.sqrt(product * (total + 1) / 12)
    assert found["data_copying"].value == pytest.approx(z)
    assert set(found) == set(SCORES)


def test_data_copying_is_weighted_over_cells() -> None:
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
    # Cells with fewer than 20 generated samples are omitted.
    few = np.where(cell_q == 2, np.where(np.arange(90) < 60, 2, 0), cell_q)
    assert (few == 2).sum() == 20
    fewer = np.where((few == 2) & (np.arange(90) < 3), 1, few)
    assert data_copying(q, p, fewer, cell_p) == pytest.approx(
        data_copying(q[fewer != 2], p[cell_p != 2], fewer[fewer != 2], cell_p[cell_p != 2])
    )


def test_expected_k_count_equals_random_orders() -> None:
    rng = np.random.default_rng(1)
    firsts = [1 + min(10, int(np.argmax(rng.permutation(30) < 12))) for _ in range(20_000)]
    assert expected_k_count(12, 18) == pytest.approx(np.mean(firsts), abs=0.03)


def test_scores_respond_to_copies_and_to_low_variety(pool: CandidatePool) -> None:
    fresh, copies = scores_of(blocks(4, 200), pool), scores_of(pool.members, pool)
    poor = scores_of(blocks(5, 200, spread=8.0), pool)
    for name in ("k_count", "distance_ratio", "data_copying", "data_copying_share"):
        assert fresh[name].low <= fresh[name].expected <= fresh[name].high
        assert copies[name].high < copies[name].expected
    assert copies["authenticity"].value == 0 and copies["k_count"].value == 1
    # The false alarm for which the verdict does not rest on them.
    assert poor["data_copying"].value < -3 and poor["distance_ratio"].high < 1


def test_log_density_equals_sklearn_and_is_finite_far_away() -> None:
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


def test_fit_projection_equals_svd() -> None:
    images = blocks(6, 30)
    rows = images.reshape(30, -1).astype(float)
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ axes[:5].T / np.sqrt(rows.shape[1])
    found = fit_projection(images).coordinates(images)[:, :5]
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)


def test_shadow_scores_detect_copies_and_are_reproducible() -> None:
    members, others, reference = blocks(7, 30), blocks(8, 30), blocks(9, 60)
    chosen = {"settings": privacy_settings(shadow_steps=100), "purpose": "test", "device": "cpu"}
    candidates = np.concatenate([members, others])
    scores = shadow_scores(members, reference, candidates, **chosen)
    assert roc_auc_score(np.arange(60) < 30, scores) > 0.7
    np.testing.assert_array_equal(scores, shadow_scores(members, reference, candidates, **chosen))


def test_scores_of_four_patches_are_defined(pool: CandidatePool) -> None:
    assert scores_of(blocks(10, 4), pool)["k_count"].value >= 1
