"""What sets cost against what they give away: one point per generator, regime and classifier."""

from collections.abc import Mapping
from typing import Any

import pytest

from pathgen.report.load import Run
from pathgen.report.privacy_utility import point_metrics, point_table, strongest_attack, tradeoff
from pathgen.report.privacy_utility_plot import plot_tradeoff
from pathgen.report.tables import Row, result_rows
from pathgen.run_matrix import RunKey

PASSED = "no leakage found by these tests"


def run(regime: str, generator: str | None, seed: int, accuracy: float | None) -> Run:
    return Run(RunKey(regime, generator, "cnn6", seed), {"accuracy": accuracy}, None, None, None)


def rows_of(*runs: Run) -> list[Row]:
    return result_rows([run("original", None, 1, 0.9), run("original", None, 2, 0.8), *runs], 0.95)


def audit(auc: float, verdict: str = PASSED) -> dict[str, Any]:
    weaker = {"value": auc - 0.02, "low": auc - 0.06, "high": auc + 0.02}
    strongest = {"value": auc, "low": auc - 0.03, "high": auc + 0.03}
    tests = {
        "weak_auc": weaker,
        "strong_tpr": {**strongest, "value": 0.99},
        "unmeasured_auc": {"value": None},
    }
    return {
        "verdict": verdict,
        "labels": {"normal": {"tests": tests}, "tumor": {"tests": {**tests, "strong_auc": strongest}}},
    }


def comparison(regime: str) -> Mapping[str, Any]:
    accuracy = {"difference": -0.1, "low": -0.15, "high": -0.05}
    pair = {"classifier": "cnn6", "regime": regime, "against": "original", "metrics": {"accuracy": accuracy}}
    return {"differences": [pair]}


def test_the_strongest_attack_of_all_classes_counts() -> None:
    leak = strongest_attack(audit(0.56))
    assert leak is not None
    assert (leak.attack, leak.label, leak.verdict) == ("strong_auc", "tumor", PASSED)
    assert (leak.auc, leak.low, leak.high) == pytest.approx((0.56, 0.53, 0.59))
    assert strongest_attack({"verdict": PASSED, "labels": {"normal": {}}}) is None
    assert strongest_attack({}) is None


def test_one_generator_has_the_interval_of_the_comparison() -> None:
    rows = rows_of(*(run("synthetic", "dcgan", seed, 0.7) for seed in (1, 2)))
    (point,) = tradeoff(rows, {"dcgan": audit(0.56)}, 0.95, comparison("synthetic-dcgan"))
    assert (point.lost.mean, point.lost.low, point.lost.high) == pytest.approx((0.1, 0.05, 0.15))
    assert point_metrics([point]) == pytest.approx(
        {
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost": 0.1,
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost/low": 0.05,
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost/high": 0.15,
            "tradeoff/dcgan/attack_auc": 0.56,
            "tradeoff/dcgan/attack_auc/low": 0.53,
            "tradeoff/dcgan/attack_auc/high": 0.59,
        }
    )


def test_replicates_are_points_of_their_own_over_their_own_seeds() -> None:
    runs = [run("synthetic", "dcgan", 1, 0.7), run("synthetic", "dcgan", 2, 0.6)]
    runs += [run("synthetic", "dcgan.2", 1, 0.5), run("mixed", "dcgan.3", 2, 0.8)]
    audits = {"dcgan": audit(0.5), "dcgan.2": audit(0.6), "dcgan.3": audit(0.7)}
    points = tradeoff(rows_of(*runs), audits, 0.95, comparison("synthetic-dcgan"))
    told = [(point.generator, point.regime, point.lost.mean, point.leak.auc) for point in points]
    assert told == [
        ("dcgan.3", "mixed", pytest.approx(0.0), 0.7),
        ("dcgan", "synthetic", pytest.approx(0.2), 0.5),
        ("dcgan.2", "synthetic", pytest.approx(0.4), 0.6),
    ]
    # One seed gives no interval.
    assert points[1].lost.low is not None and points[2].lost.low is None
    assert "tradeoff/synthetic-dcgan.2-cnn6/accuracy_lost/low" not in point_metrics(points)
    assert point_table(points)["accuracy_lost_low"].isna().tolist() == [True, False, True]


def test_what_was_not_audited_or_not_evaluated_is_no_point() -> None:
    rows = rows_of(run("synthetic", "dcgan", 1, None), run("synthetic", "stylegan2", 1, 0.7))
    assert tradeoff(rows, {"dcgan": audit(0.5)}, 0.95, None) == []
    assert point_table([]).empty and point_metrics([]) == {}


def test_a_set_that_did_not_pass_is_hollow_and_says_why() -> None:
    runs = [run("synthetic", name, 1, 0.7) for name in ("dcgan", "stylegan2")]
    audits = {"dcgan": audit(0.5), "stylegan2": audit(0.5, "refused")}
    figure = plot_tradeoff(tradeoff(rows_of(*runs), audits, 0.95, None))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "dcgan, synthetic alone",
        "stylegan2, synthetic alone (audit: refused)",
    ]
    faces = [marker.get_markerfacecolor() for marker in legend.legend_handles]
    assert faces[0] != "white" and faces[1] == "white"
