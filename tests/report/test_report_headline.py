"""Costs of the regimes, comparison with the baseline and with the paper."""

import pytest
from factories.runs import run

from pathgen.report.headline import BaselineOutcome, Comparability, Cost, CostOutcome, baseline_outcome, costs
from pathgen.report.result_table import Row, result_rows


def rows_of(original: list[float | None], synthetic: list[float | None]) -> list[Row]:
    runs = [
        run(regime, seed, accuracy=value)
        for regime, values in [("original", original), ("synthetic", synthetic)]
        for seed, value in enumerate(values)
    ]
    return result_rows(runs, 0.95)


def only_cost(original: list[float | None], synthetic: list[float | None]) -> Cost:
    (cost,) = costs(rows_of(original, synthetic), 0.95)
    return cost


def test_loss_is_paired_by_seed() -> None:
    # The difference varies by 0.01 between seeds, the accuracies by 0.1.
    cost = only_cost([0.70, 0.80, 0.90], [0.50, 0.61, 0.69])
    assert cost.loss.mean == pytest.approx(0.2)
    assert cost.loss.ends == pytest.approx((0.175, 0.225), abs=0.0005)


@pytest.mark.parametrize(
    ("original", "synthetic", "outcome"),
    [
        ([0.70, 0.80, 0.90], [0.50, 0.61, 0.69], "loss"),
        ([0.5, 0.5, 0.5], [0.60, 0.61, 0.62], "gain"),
        ([0.5, 0.7, 0.6], [0.6, 0.55, 0.62], "not significant"),
        ([0.74], [0.70], "no interval"),
        ([0.5], [None], "undefined"),
    ],
)
def test_outcome_follows_the_interval(
    original: list[float | None], synthetic: list[float | None], outcome: CostOutcome
) -> None:
    assert only_cost(original, synthetic).outcome == outcome


def test_regimes_without_a_common_seed_have_no_cost() -> None:
    runs = [run("original", 1, accuracy=0.9), run("synthetic", 2, accuracy=0.8)]
    assert costs(result_rows(runs, 0.95), 0.95) == []


@pytest.mark.parametrize(
    ("baseline", "outcome"),
    [
        (0.5, "above"),
        (0.59, "not distinguishable"),
        (0.62, "not distinguishable"),
        (0.7, "below"),
    ],
)
def test_baseline_differs_only_outside_the_interval(baseline: float, outcome: BaselineOutcome) -> None:
    assert baseline_outcome(rows_of([0.9] * 3, [0.59, 0.60, 0.61])[1], baseline) == outcome


def test_baseline_of_a_single_run_has_no_interval() -> None:
    assert baseline_outcome(rows_of([0.9], [0.6])[1], 0.5) == "no interval"
    assert baseline_outcome(rows_of([0.9], [None])[1], 0.5) == "undefined"


@pytest.mark.parametrize(
    ("sources", "train", "test", "comparable"),
    [
        (["camelyon16"], 35_000, 15_000, True),
        (["camelyon16"], 100, 15_000, False),
        (["phantom"], 35_000, 15_000, False),
        ([], None, None, False),
    ],
)
def test_only_data_and_sizes_of_the_paper_are_comparable(
    sources: list[str], train: int | None, test: int | None, comparable: bool
) -> None:
    assert Comparability(sources, train, test).comparable is comparable
