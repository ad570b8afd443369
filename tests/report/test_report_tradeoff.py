"""Accuracy lost against the strongest attack: one point per generator, regime and classifier."""

import pytest
from factories.audits import audit, class_audit
from factories.runs import comparison, run
from factories.training import HEALTHY, guarantee

from pathgen.report.headline import Comparability, Results
from pathgen.report.privacy_utility import Point, plot_tradeoff, point_metrics, point_table, tradeoff
from pathgen.report.read_results import Run
from pathgen.report.result_table import Row, result_rows
from pathgen.results.audit_record import PASSED, Audit
from pathgen.results.training_record import GeneratorMeta


def rows_of(*runs: Run) -> list[Row]:
    return result_rows(
        [run("original", 1, accuracy=0.9), run("original", 2, accuracy=0.8), *runs], comparison()
    )


def points_from(
    rows: list[Row],
    audits: dict[str, Audit],
    generators: dict[str, dict[str, GeneratorMeta]] | None = None,
) -> list[Point]:
    regimes = [row.name for row in rows if row.generator]
    results = Results(rows, 0.6, Comparability([], 0, 0), comparison(*regimes))
    return tradeoff(results, {name: {1: one} for name, one in audits.items()}, generators or {})


def points_of(content: Audit, generator: dict[str, GeneratorMeta] | None = None) -> list[Point]:
    """Return the points of a single synthetic run with an audit and checkpoints."""
    rows = rows_of(run("synthetic", 1, accuracy=0.7))
    return points_from(rows, {"dcgan": content}, {"dcgan": generator or {}})


def test_point_has_the_strongest_attack_of_all_classes() -> None:
    (point,) = points_of(audit(normal=class_audit(0.6)))
    assert (point.attack, point.label, point.verdict) == ("strong_auc", "normal", PASSED)
    assert (point.auc, point.auc_low, point.auc_high) == pytest.approx((0.6, 0.57, 0.63))
    assert points_of(audit(labels={"normal": class_audit(tests={})})) == []


def test_point_has_the_interval_of_the_comparison() -> None:
    rows = rows_of(*(run("synthetic", seed, accuracy=0.7) for seed in (1, 2)))
    (point,) = points_from(rows, {"dcgan": audit()})
    assert point_metrics([point]) == pytest.approx(
        {
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost": 0.2,
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost/low": 0.1,
            "tradeoff/synthetic-dcgan-cnn6/accuracy_lost/high": 0.3,
            "tradeoff/dcgan/attack_auc": 0.56,
            "tradeoff/dcgan/attack_auc/low": 0.53,
            "tradeoff/dcgan/attack_auc/high": 0.59,
        }
    )


def test_point_needs_an_audit() -> None:
    rows = rows_of(run("synthetic", 1, "other", accuracy=0.7))
    assert points_from(rows, {"dcgan": audit()}) == []
    assert point_table([]).empty and point_metrics([]) == {}


@pytest.mark.parametrize(
    ("normal", "tumor", "epsilon"), [(2.0, 3.0, 3.0), (2.0, None, None), (None, None, None)]
)
def test_point_has_the_largest_epsilon(
    normal: float | None, tumor: float | None, epsilon: float | None
) -> None:
    metas = {
        label: GeneratorMeta(privacy=None if value is None else guarantee(value), health=HEALTHY)
        for label, value in (("normal", normal), ("tumor", tumor))
    }
    (point,) = points_of(audit(), metas)
    assert point.epsilon == point_metrics([point]).get("tradeoff/dcgan/epsilon") == epsilon


def test_marker_of_a_failed_audit_is_hollow() -> None:
    runs = [run("synthetic", 1, name, accuracy=0.7) for name in ("dcgan", "other")]
    audits = {"dcgan": audit(), "other": audit("refused")}
    figure = plot_tradeoff(points_from(rows_of(*runs), audits))
    (legend,) = figure.legends
    first, second = (text.get_text() for text in legend.get_texts())
    assert "refused" in second and "refused" not in first
    faces = [marker.get_markerfacecolor() for marker in legend.legend_handles]
    assert faces[0] != "white" and faces[1] == "white"
