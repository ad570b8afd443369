"""How many fidelity metrics differ from their floor."""

import pytest

from pathgen.report.fidelity import fidelity_section
from pathgen.results.fidelity import Fidelity, MetricInfo


def record(better: str, low: float, high: float) -> Fidelity:
    parts = {"": (low + high) / 2, "/low": low, "/high": high}
    floor = {"/floor": 1.0, "/floor_low": 0.9, "/floor_high": 1.1}
    return Fidelity(
        metrics={f"fidelity/all/x{part}": value for part, value in (parts | floor).items()},
        patches={"all": 10},
        protocol={},
        about={"x": MetricInfo(description="made up", better=better)},  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("better", "low", "high", "worse"),
    [
        ("lower", 2.0, 3.0, 1),
        ("lower", 0.1, 0.2, 0),
        ("lower", 1.05, 3.0, 0),
        ("higher", 0.1, 0.2, 1),
        ("higher", 2.0, 3.0, 0),
        ("floor", 2.0, 3.0, 1),
        ("floor", 0.1, 0.2, 1),
        ("floor", 0.8, 1.2, 0),
    ],
)
def test_metric_is_worse_outside_the_floors_interval(
    better: str, low: float, high: float, worse: int
) -> None:
    section = fidelity_section(record(better, low, high))
    assert (section.compared, section.worse) == (1, worse)


def test_metric_without_interval_or_direction_is_not_counted() -> None:
    unknown = Fidelity(metrics={"fidelity/all/y": 1.0}, patches={}, protocol={})
    assert fidelity_section(unknown).compared == 0
