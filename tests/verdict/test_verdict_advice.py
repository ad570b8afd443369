"""Size of a study that would settle an answer."""

import math

import pytest
from scipy import stats

from pathgen.metrics.statistics.confidence_intervals import StandardError, combine_se, difference_ci
from pathgen.results.comparison_record import Component, ErrorComponent
from pathgen.verdict.advice import half_width, needed

SLIDES = ErrorComponent(error=0.03, freedom=6.0, count=8)
GENERATORS = ErrorComponent(error=0.02, freedom=1.0, count=2)
SEEDS = ErrorComponent(error=0.01, freedom=2.0, count=3)
ALL: dict[Component, ErrorComponent] = {"test": SLIDES, "generators": GENERATORS, "seeds": SEEDS}


def test_half_width_of_the_study_is_that_of_its_interval() -> None:
    total = combine_se([StandardError(one.error, one.freedom) for one in ALL.values()])
    assert total is not None
    low, high = difference_ci(0.0, total, 0.95)
    assert half_width(ALL, {}, 0.95) == pytest.approx(high) == pytest.approx(-low)


def test_half_width_of_a_larger_study_is_students() -> None:
    # 8 seeds in place of 2: half of the error, 7 degrees of freedom.
    grown = half_width({"seeds": ErrorComponent(error=0.02, freedom=1.0, count=2)}, {"seeds": 4.0}, 0.95)
    assert grown == pytest.approx(stats.t.ppf(0.975, 7) * 0.01)


def first_count(name: Component, distance: float) -> int | None:
    """Search one count after the other."""
    count = ALL[name].count
    for more in range(count + 1, 100 * count + 1):
        if half_width(ALL, {name: more / count}, 0.95) < distance:
            return more
    return None


@pytest.mark.parametrize("distance", [0.02, 0.03, 0.06, 0.08])
def test_needed_counts_are_the_first_that_suffice(distance: float) -> None:
    found = needed(ALL, distance, 0.95)
    assert found.alone == {name: first_count(name, distance) for name in ALL}
    assert found.factor is not None
    for factor, enough in ((found.factor, True), (found.factor - 0.05, False)):
        assert bool(half_width(ALL, dict.fromkeys(ALL, factor), 0.95) < distance) is enough


def test_needed_names_no_number_where_none_suffices() -> None:
    found = needed(ALL, 0.0001, 0.95)
    assert set(found.alone.values()) == {None} and found.factor is None
    # More seeds alone do not narrow what the slides widen.
    assert needed(ALL, 0.05, 0.95).alone["seeds"] is None


def test_needed_of_one_source_follows_the_square_root() -> None:
    found = needed({"test": ErrorComponent(error=0.04, freedom=1e9, count=100)}, 0.04, 0.95)
    assert found.alone["test"] == math.ceil(100 * 1.95996**2)
    assert found.factor == pytest.approx(1.95996**2, abs=0.05)
