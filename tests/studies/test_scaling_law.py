"""Power laws, equal sizes and trends of simulated curves: recovered, with intervals of nominal coverage."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from numpy.typing import NDArray

from pathgen.studies.scaling.equivalence import equivalents, saturation
from pathgen.studies.scaling.power_law import PowerLaw, between, fit_power_law

SIZES = np.array([10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0])


def simulated(
    a: float, b: float, c: float, seed: int, noise: float = 0.03, sizes: NDArray[np.float64] = SIZES
) -> dict[float, NDArray[np.float64]]:
    """Return errors of three seeds per size around ``a * size ** -b + c``."""
    rng = np.random.default_rng(seed)
    means = a * sizes**-b + c
    return {
        size: np.clip(mean + rng.normal(0, noise * np.sqrt(mean), 3), 0, 1)
        for size, mean in zip(sizes, means, strict=True)
    }


def law_of(errors: dict[float, NDArray[np.float64]], bootstrap: int = 60, curve: str = "one") -> PowerLaw:
    law = fit_power_law(errors, guessing=0.5, bootstrap=bootstrap, seed=1, curve=[curve])
    assert isinstance(law, PowerLaw), law
    return law


def test_fit_power_law_without_noise_is_exact() -> None:
    law = law_of(simulated(0.9, 0.5, 0.05, seed=0, noise=0.0), bootstrap=3)
    assert law.parameters == pytest.approx({"a": 0.9, "b": 0.5, "c": 0.05}, rel=1e-3)
    assert law.size_for(0.9 * 200**-0.5 + 0.05) == pytest.approx(200, rel=1e-3)
    assert law.size_for(0.04) == np.inf


def covered(seed: int) -> list[bool]:
    """Return whether the 95 % intervals of a simulated study cover the error at 1,000, b and c."""
    # With 119 curves the third from each end: 6 of 120 lie outside.
    law = law_of(simulated(0.9, 0.5, 0.05, seed), bootstrap=119, curve=str(seed))
    ends = law.intervals(0.95)
    found = [between(law.errors_drawn([1000.0])[:, 0], 0.95), ends["b"], ends["c"]]
    truth = [0.9 * 1000**-0.5 + 0.05, 0.5, 0.05]
    return [low <= value <= high for (low, high), value in zip(found, truth, strict=True)]


def test_power_law_intervals_cover_the_truth() -> None:
    # Binomial with 0.95: fewer than 3 of 5 in 1 of 860 tries. 300 simulations: below.
    assert np.all(np.sum([covered(seed) for seed in range(5)], axis=0) >= 3)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_power_law_intervals_have_nominal_coverage() -> None:
    # Spawned: a test's process has threads of its own, which a fork would leave hanging.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        hits = np.array(list(processes.map(covered, range(1000, 1300), chunksize=5))).sum(axis=0)
    # Binomial with 0.95, of 300: fewer than 272 in 1 of 1,600 tries, more than 296 in 1 of 6,000.
    assert np.all((hits >= 272) & (hits <= 296)), hits


def test_fit_power_law_leaves_out_sizes_near_guessing() -> None:
    errors = {1.0: np.array([0.5, 0.49, 0.5]), **simulated(0.9, 0.5, 0.05, seed=2)}
    law = law_of(errors, bootstrap=3)
    assert law.left_out == (1.0,)
    assert law.sizes == tuple(SIZES)


def test_fit_power_law_impossible_returns_a_reason() -> None:
    few, flat = (
        fit_power_law(errors, guessing=0.5, bootstrap=10, seed=1, curve=[])
        for errors in (
            simulated(0.9, 0.5, 0.05, 0, sizes=SIZES[:3]),
            {size: np.full(3, 0.2) for size in SIZES},
        )
    )
    assert isinstance(few, str) and isinstance(flat, str) and few != flat


def test_equivalents_match_the_simulated_curves() -> None:
    original = law_of(simulated(0.9, 0.5, 0.02, seed=3, noise=0.01))
    half_as_good = law_of(simulated(0.9 * 2**0.5, 0.5, 0.02, seed=4, noise=0.01), curve="half as good")
    worse = law_of(simulated(0.9, 0.5, 0.2, seed=5, noise=0.01), curve="worse")
    (found,) = equivalents(original, half_as_good, [300.0], 3000.0, 0.95)
    assert found.low < 600 < found.high
    assert found.synthetic == pytest.approx(600, rel=0.25)
    assert found.reached
    (never,) = equivalents(original, worse, [3000.0], 3000.0, 0.95)
    assert never.synthetic == np.inf and not never.reached


def test_equivalents_are_not_extrapolated_downwards() -> None:
    original = law_of(simulated(0.9, 0.5, 0.02, seed=3, noise=0.01))
    # By the curve a tenth of the patches suffices, but its points at 10, 30 and 100 have learned nothing.
    small = {size: np.full(3, 0.5) for size in (10.0, 30.0, 100.0)}
    fitted = simulated(0.9 * 0.1**0.5, 0.5, 0.02, seed=4, noise=0.01, sizes=30 * SIZES)
    synthetic = law_of({**small, **fitted}, curve="late")
    assert synthetic.first == 300.0
    below, above = equivalents(original, synthetic, [300.0, 30000.0], max(fitted), 0.95)
    assert (below.low, below.synthetic, below.high) == (300.0, 300.0, 300.0)
    assert below.smallest == 300.0 and below.reached
    assert above.synthetic > above.low > 300.0


def test_bootstraps_of_two_curves_are_independent() -> None:
    errors = simulated(0.9, 0.5, 0.02, seed=3)
    first, second = (law_of(errors, bootstrap=200, curve=name).errors_drawn([300.0])[:, 0] for name in "ab")
    assert np.array_equal(first, law_of(errors, bootstrap=200, curve="a").errors_drawn([300.0])[:, 0])
    # Of 200 unrelated pairs, 0.25 or more in 1 of 2,500 tries.
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.25


def test_between_handles_infinity() -> None:
    values = np.array([1.0, 2.0, 3.0, np.inf, np.inf])
    assert between(values, 0.5) == (2.0, np.inf)


def ends(slope: float, spread: float, seed: int = 7) -> dict[float, NDArray[np.float64]]:
    """Return errors that fall by `slope` with each doubling."""
    rng = np.random.default_rng(seed)
    return {
        size: 0.2 - slope * np.log2(size / 100) + rng.normal(0, spread, 3) for size in (100.0, 400.0, 1600.0)
    }


@pytest.mark.parametrize(
    ("slope", "spread", "verdict"),
    [
        (0.02, 0.002, "falling"),
        (0.0, 0.002, "saturated"),
        (-0.05, 0.002, "rising"),
        (0.0, 0.08, "undecided"),
        # Significant, but far below a tenth of the error of 0.2.
        (0.0005, 0.0001, "saturated"),
        (-0.0005, 0.0001, "saturated"),
        # Around a tenth of the error at the end: some gains in the interval are worth their patches.
        (0.0145, 0.003, "falling"),
    ],
)
def test_saturation_verdict(slope: float, spread: float, verdict: str) -> None:
    found = saturation(ends(slope, spread), 0.95)
    assert not isinstance(found, str)
    assert found.verdict == verdict
    assert found.low < slope < found.high


def test_saturation_flat_curve_is_rarely_called_falling() -> None:
    verdicts = [saturation(ends(0.0, 0.01, seed), 0.95) for seed in range(200)]
    falling = sum(not isinstance(one, str) and one.verdict == "falling" for one in verdicts)
    assert falling <= 12  # 2.5 % of 200 are 5; more than 12 in 1 of 500 tries.


def test_saturation_without_spread_returns_a_reason() -> None:
    assert isinstance(saturation({size: np.array([0.1]) for size in (1.0, 2.0, 4.0)}, 0.95), str)
    # A classifier that has learned nothing is wrong on half of them, whatever the seed.
    assert isinstance(saturation({size: np.full(2, 0.5) for size in (1.0, 2.0, 4.0)}, 0.95), str)
