"""Outcomes of the two questions on usefulness, from an interval and a margin."""

import pytest

from pathgen.results.verdict_record import UsefulAdded, UsefulAlone
from pathgen.verdict.questions import distance_added, distance_alone, useful_added, useful_alone

MARGIN = 0.05
ALONE: list[tuple[float | None, float | None, UsefulAlone]] = [
    (-0.04, 0.01, "adequate"),
    (-0.04, -0.01, "adequate"),
    (-0.05, 0.01, "inconclusive"),
    (-0.2, 0.1, "inconclusive"),
    (-0.2, -0.05, "inconclusive"),
    (-0.2, -0.06, "inadequate"),
    (None, None, "inconclusive"),
]
ADDED: list[tuple[float | None, float | None, UsefulAdded]] = [
    (0.01, 0.2, "helps"),
    (0.0, 0.2, "no harm"),
    (-0.04, 0.2, "no harm"),
    (-0.04, -0.01, "no harm"),
    (-0.05, 0.01, "inconclusive"),
    (-0.2, 0.0, "inconclusive"),
    (-0.06, -0.01, "harms"),
    (None, None, "inconclusive"),
]


@pytest.mark.parametrize(("low", "high", "outcome"), ALONE)
def test_useful_alone_needs_the_interval_above_the_margin(
    low: float | None, high: float | None, outcome: UsefulAlone
) -> None:
    assert useful_alone(low, high, MARGIN) == outcome


@pytest.mark.parametrize(("low", "high", "outcome"), ADDED)
def test_useful_added_compares_with_zero_and_the_margin(
    low: float | None, high: float | None, outcome: UsefulAdded
) -> None:
    assert useful_added(low, high, MARGIN) == outcome


@pytest.mark.parametrize("difference", [-0.2, -0.06, -0.04, -0.01, 0.02, 0.1])
def test_interval_narrower_than_the_distance_is_conclusive(difference: float) -> None:
    for distance, answer in ((distance_alone, useful_alone), (distance_added, useful_added)):
        half = distance(difference, MARGIN)
        inside, outside = (
            answer(difference - one, difference + one, MARGIN) for one in (half - 1e-9, half + 1e-9)
        )
        assert inside != "inconclusive" and outside == "inconclusive", (difference, answer)
