"""Intervals, exact probabilities and single tests against libraries, enumeration and simulation."""

import itertools

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from factories.privacy_sets import privacy_settings

from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.membership_tests import (
    TestResult,
    attack_tpr,
    auc_with_interval,
    binomial_interval,
    member_share,
    score_tests,
    wilson_interval,
)
from pathgen.privacy.neighbours import nearest_both_ways

N, N_SYNTHETIC, SIMULATIONS = 200, 400, 100


@pytest.mark.parametrize(("k", "n"), [(0, 12), (3, 12), (12, 12), (1, 500)])
def test_rate_intervals_equal_scipy(k: int, n: int) -> None:
    test = scipy.stats.binomtest(k, n)
    wilson = test.proportion_ci(0.9, method="wilson")
    assert wilson_interval(k / n, n, 0.9) == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    exact = test.proportion_ci(0.9, method="exact")
    assert binomial_interval(k, n, 0.9) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_auc_with_ties_equals_sklearn() -> None:
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 55) + 0.0
    area, low, high = auc_with_interval(members, others, 0.95)
    labels = np.repeat([1, 0], [40, 55])
    assert area == pytest.approx(sklearn.metrics.roc_auc_score(labels, np.concatenate([members, others])))
    assert low < area < high


def test_auc_interval_equals_the_jackknife() -> None:
    """Compute the variance of DeLong et al. by a double loop."""
    rng = np.random.default_rng(1)
    members, others = rng.normal(0.5, 1, 30), rng.normal(0, 1, 25)
    above = (members[:, None] > others[None, :]).astype(float)
    variance = above.mean(1).var(ddof=1) / 30 + above.mean(0).var(ddof=1) / 25
    area, low, high = auc_with_interval(members, others, 0.95)
    assert (high - low) / 2 == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)
    assert area == pytest.approx(above.mean())


def auc_of(scores: np.ndarray, is_member: np.ndarray) -> TestResult:
    return score_tests("attack", scores, is_member, confidence=0.95)["attack_auc"]


def test_attack_auc_p_value_is_uniform_without_leakage() -> None:
    rng = np.random.default_rng(3)
    is_member = np.arange(100) < 50
    values = [auc_of(rng.normal(size=100), is_member).p_value for _ in range(400)]
    assert scipy.stats.kstest(values, "uniform").pvalue > 0.01
    assert auc_of(np.zeros(100), is_member).p_value == 1.0


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_attack_tpr_p_value_equals_enumeration(allowed: int) -> None:
    n, m = 5, 4
    # Places of the non-members in the order: the members before the (allowed + 1)-th one are ahead.
    ahead = np.array([places[allowed] - allowed for places in itertools.combinations(range(n + m), m)])
    for count in range(n + 1):
        scores = np.concatenate([np.repeat([9, 0], [count, n - count]), np.arange(1, m + 1)])
        found = attack_tpr(scores, np.arange(n + m) < n, confidence=0.95, false_positive_rate=allowed / m)
        assert found.value == count / n
        assert found.p_value == pytest.approx((ahead >= count).mean())


def test_holm_on_a_worked_example() -> None:
    found = holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.005})
    assert found == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06, "d": 0.02})
    assert list(found) == ["a", "b", "c", "d"]
    assert holm({"a": 0.7, "b": 0.9}) == {"a": 1.0, "b": 1.0}


def share_of(votes: list[float], members: int, *, n_permutations: int = 40_000) -> TestResult:
    is_member = np.arange(len(votes)) < members
    settings = privacy_settings().model_copy(update={"n_permutations": n_permutations})
    return member_share(np.array(votes, float), is_member, settings, np.random.default_rng(4))


def test_member_share_p_value_equals_enumeration() -> None:
    votes = [5, 2, 0, 1, 1, 0, 3, 0.5]
    found = share_of(votes, 4)
    sums = [sum(votes[i] for i in chosen) for chosen in itertools.combinations(range(8), 4)]
    assert found.value == pytest.approx(8 / 12.5)
    assert found.p_value == pytest.approx(np.mean([s >= 8 for s in sums]), abs=0.01)
    assert found.expected == 0.5


def test_member_share_of_many_members_but_not_of_one_is_significant() -> None:
    one = share_of([1000] + [0] * 99, 50)
    assert one.value == 1.0 and one.p_value == pytest.approx(0.5, abs=0.02) and one.low < 0.5
    many = share_of([1] * 20 + [0] * 80, 50)
    assert many.p_value == pytest.approx(1 / 40_001) and many.low > 0.8
    none = share_of([0] * 10, 5)
    assert none.value is None and none.p_value == 1.0


def test_member_share_interval_covers_a_half() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        votes = np.floor(rng.pareto(1.0, 100))
        found = share_of(list(rng.permutation(votes)), 50, n_permutations=1)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 0.92 * 300


def naive_tpr(scores: np.ndarray, is_member: np.ndarray) -> float:
    best = 0.0
    for threshold in scores:
        if (scores[~is_member] > threshold).mean() <= 0.01:
            best = max(best, (scores[is_member] > threshold).mean())
    return best


@pytest.mark.parametrize("n", [50, 100, 230])
def test_attack_tpr_equals_the_search_over_thresholds(n: int) -> None:
    rng = np.random.default_rng(n)
    scores = np.concatenate([rng.normal(0.8, 1, n), rng.normal(0, 1, n)])
    is_member = np.arange(2 * n) < n
    found = attack_tpr(scores, is_member, confidence=0.95)
    assert found.value == pytest.approx(naive_tpr(scores, is_member))
    assert found.low <= found.value <= found.high
    tied = attack_tpr(np.zeros(2 * n), is_member, confidence=0.95)
    assert tied.value == 0 and tied.p_value == 1.0


def test_attack_tpr_of_random_scores_is_as_expected() -> None:
    rng = np.random.default_rng(6)
    is_member = np.arange(400) < 200
    found = [attack_tpr(rng.normal(size=400), is_member, confidence=0.95) for _ in range(2000)]
    assert np.mean([f.value for f in found]) == pytest.approx(found[0].expected, rel=0.05)
    assert np.mean([f.p_value <= 0.05 for f in found]) <= 0.06


def originals(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return patches of varied contrast, some of which are similar to many others."""
    strength = rng.lognormal(0, 0.4, (n, 1, 1, 1))
    coarse = rng.normal(0, 18, (n, 3, 3, 3)).repeat(2, axis=1).repeat(2, axis=2)
    return np.clip(128 + strength * coarse + rng.normal(0, 3, (n, 6, 6, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_membership_tests_over_a_hundred_simulations(share: float) -> None:
    covered, above = 0, 0
    is_member = np.arange(2 * N) < N
    for seed in range(SIMULATIONS):
        rng = np.random.default_rng(seed)
        pool, synthetic = originals(rng, 2 * N), originals(rng, N_SYNTHETIC)
        copied = round(share * N_SYNTHETIC)
        synthetic[:copied] = pool[rng.integers(0, N, copied)]
        _, nearest = nearest_both_ways(synthetic, pool, measure="l2", k=1)
        scores = -nearest.distance[:, 0]
        area = auc_of(scores, is_member)
        covered += area.low <= 0.5 <= area.high
        above += attack_tpr(scores, is_member, confidence=0.95).p_value <= 0.025
    if share:
        assert above == SIMULATIONS
        assert covered > 10  # the AUC is insensitive to rare copies
    else:
        assert covered >= 93
        assert above <= 7
