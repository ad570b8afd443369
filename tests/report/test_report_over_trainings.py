"""Means over trainings: calibration error, and accuracy on synthetic patches beside the reverse."""

import math
from typing import Any

import pytest
from scipy import stats

from pathgen.report.comparison import calibration_table
from pathgen.report.load import Run
from pathgen.report.seed_intervals import both_ways_table, mean_over_trainings
from pathgen.report.tables import Row, result_rows
from pathgen.run_matrix import RunKey


def rows_of(regime: str, generator: str | None, metric: str, values: list[Any]) -> list[Row]:
    runs = [
        Run(RunKey(regime, generator, "cnn6", seed), {metric: value}, None, None, None)
        for seed, value in enumerate(values, 1)
    ]
    return result_rows(runs, 0.95)


def odds(share: float) -> float:
    return math.log(share / (1 - share))


def test_the_mean_has_students_interval_over_seeds_on_the_scale_of_log_odds() -> None:
    values = [0.05, 0.08, 0.11]
    mean, ends = mean_over_trainings(values, [""] * 3, [1, 2, 3], 0.95).split("\n")
    assert mean == "0.080"
    half = stats.t.ppf(0.975, 2) * stats.sem(values) / (0.08 * 0.92)
    low, high = (float(end) for end in ends.split(" to "))
    assert (odds(low), odds(high)) == pytest.approx((odds(0.08) - half, odds(0.08) + half), abs=0.02)


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.9]])
def test_one_training_and_equal_ones_have_a_mean_alone(values: list[float]) -> None:
    assert mean_over_trainings(values, [""] * len(values), list(range(len(values))), 0.95) == "0.900"


def test_the_calibration_error_has_an_interval_over_trainings() -> None:
    table = calibration_table(rows_of("original", None, "calibration_error", [0.05, 0.08, 0.11]), None, 0.95)
    assert table is not None
    assert table.lines[0][2] == mean_over_trainings([0.05, 0.08, 0.11], [""] * 3, [1, 2, 3], 0.95)
    single = calibration_table(rows_of("original", None, "calibration_error", [0.05]), None, 0.95)
    assert single is not None
    assert single.lines[0][2] == "0.050"


def test_both_ways_stand_side_by_side_replicates_together() -> None:
    found = {
        f"{generator}-cnn6-{seed}": {"accuracy": value + seed / 100}
        for generator, value in [("dcgan", 0.8), ("dcgan.2", 0.9), ("stylegan2", 0.6)]
        for seed in (1, 2)
    }
    rows = rows_of("synthetic", "dcgan", "accuracy", [0.7, 0.8, 0.75])
    table = both_ways_table(found, rows, 0.95)
    assert table is not None
    dcgan, stylegan2 = table.lines
    names, seeds = ["dcgan", "dcgan", "dcgan.2", "dcgan.2"], [1, 2, 1, 2]
    asked = mean_over_trainings([0.81, 0.82, 0.91, 0.92], names, seeds, 0.95)
    # The replicates lie farther apart than the seeds: an interval over four equals would be too narrow.
    assert asked.startswith("0.865\n0.")
    assert asked != mean_over_trainings([0.81, 0.82, 0.91, 0.92], [""] * 4, [1, 2, 3, 4], 0.95)
    assert dcgan == ["dcgan", "cnn6", "4", asked, "0.750\n0.626 to 0.874"]
    assert stylegan2[:3] == ["stylegan2", "cnn6", "2"]
    assert stylegan2[4] == "not run"
    assert both_ways_table({}, rows, 0.95) is None
