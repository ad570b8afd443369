"""How many fidelity metrics differ from their floor."""

import pytest

from pathgen.report.metric_table import metric_rows
from pathgen.results.fidelity_record import MetricInfo


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
    parts = {"": (low + high) / 2, "/low": low, "/high": high}
    parts |= {"/floor": 1.0, "/floor_low": 0.9, "/floor_high": 1.1}
    about = {"x": MetricInfo(description="made up", better=better)}  # type: ignore[arg-type]
    (row,) = metric_rows({f"fidelity/all/x{part}": value for part, value in parts.items()}, about)
    assert row.worse == worse


def test_metric_without_interval_or_direction_is_not_counted() -> None:
    about = {"y": MetricInfo(description="made up", better="lower")}
    ends = {f"fidelity/all/z{part}": 1.0 for part in ("", "/low", "/high", "/floor_low", "/floor_high")}
    assert [row.worse for row in metric_rows({"fidelity/all/y": 1.0} | ends, about)] == [None, None]
