"""Costs of the regimes, comparison with the baseline and with the paper."""

import pytest
from factories.runs import comparison, run

from pathgen.report.headline import (
    BaselineOutcome,
    Comparability,
    CostOutcome,
    baseline_outcome,
    costs,
)
from pathgen.report.result_table import Row, result_rows


def rows_of(synthetic: float | None = 0.7) -> list[Row]:
    return result_rows(
        [run("original", 1, accuracy=0.9), run("synthetic", 1, accuracy=synthetic)], comparison()
    )


@pytest.mark.parametrize(
    ("accuracy", "outcome"),
    [
        ({"difference": -0.2, "low": -0.3, "high": -0.1}, "loss"),
        ({"difference": 0.2, "low": 0.1, "high": 0.3}, "gain"),
        ({"difference": -0.1, "low": -0.3, "high": 0.1}, "not significant"),
        ({"difference": -0.04}, "no interval"),
    ],
)
def test_outcome_follows_the_interval(accuracy: dict[str, float], outcome: CostOutcome) -> None:
    (cost,) = costs(rows_of(), comparison(accuracy=accuracy))
    assert (cost.outcome, cost.loss.mean) == (outcome, -accuracy["difference"])


def test_regime_that_was_not_compared_has_no_cost() -> None:
    assert costs(rows_of(), comparison("mixed-dcgan")) == []


@pytest.mark.parametrize(
    ("synthetic", "baseline", "outcome"),
    [
        (0.7, 0.5, "above"),
        (0.7, 0.65, "not distinguishable"),
        (0.7, 0.8, "below"),
        (None, 0.5, "undefined"),
    ],
)
def test_baseline_differs_only_outside_the_interval(
    synthetic: float | None, baseline: float, outcome: BaselineOutcome
) -> None:
    original, row = rows_of(synthetic)
    assert baseline_outcome(row, baseline) == outcome
    assert baseline_outcome(original, baseline) == "no interval"


@pytest.mark.parametrize(
    ("sources", "train", "test", "comparable"),
    [
        (["camelyon16"], 35_000, 15_000, True),
        (["camelyon16"], 100, 15_000, False),
        (["phantom"], 35_000, 15_000, False),
    ],
)
def test_only_data_and_sizes_of_the_paper_are_comparable(
    sources: list[str], train: int, test: int, comparable: bool
) -> None:
    assert Comparability(sources, train, test).comparable is comparable
