"""Means over trainings: calibration error, and accuracy on synthetic patches (TRTS)."""

import math

import pytest
from factories.runs import comparison, run
from scipy import stats

from pathgen.report.result_table import calibration_errors, intended_shares, result_rows
from pathgen.results.evaluation_record import Confusion, SyntheticEvaluation
from pathgen.webpage.formatting import Estimate

NO_PATCHES = Confusion(true_positive=0, false_negative=0, true_negative=0, false_positive=0)


def odds(share: float) -> float:
    return math.log(share / (1 - share))


def calibration_of(*values: float) -> Estimate | None:
    runs = [run("original", seed, calibration_error=value) for seed, value in enumerate(values, 1)]
    (row,) = result_rows(runs or [run("original", 1)], comparison())
    return calibration_errors(row, 0.95)


def test_interval_over_seeds_is_students_in_log_odds() -> None:
    values = [0.05, 0.08, 0.11]
    found = calibration_of(*values)
    assert found is not None and found.mean == pytest.approx(0.08) and found.ends is not None
    half = stats.t.ppf(0.975, 2) * stats.sem(values) / (0.08 * 0.92)
    low, high = map(odds, found.ends)
    assert (low, high) == pytest.approx((odds(0.08) - half, odds(0.08) + half), abs=0.02)


@pytest.mark.parametrize("values", [[0.9], [0.9, 0.9]])
def test_single_or_equal_trainings_have_no_interval(values: list[float]) -> None:
    found = calibration_of(*values)
    assert found is not None and (found.mean, found.ends) == (0.9, None)
    assert calibration_of() is None


def test_shares_of_intended_class_are_averaged_over_classifiers() -> None:
    found = {
        (generator, "cnn6", seed): SyntheticEvaluation(confusion=NO_PATCHES, accuracy=value + seed / 100)
        for generator, value in [("dcgan", 0.8), ("other", 0.6)]
        for seed in (1, 2)
    }
    shares = intended_shares(found, {1: 1, 2: 1}, 0.95)
    expected = calibration_of(0.81, 0.82)
    assert expected is not None and expected.ends is not None
    assert shares["dcgan", "cnn6"].mean == pytest.approx(expected.mean)
    assert shares["dcgan", "cnn6"].ends == pytest.approx(expected.ends)
    assert shares["other", "cnn6"].mean == pytest.approx(0.615)
    assert intended_shares({}, {}, 0.95) == {}
