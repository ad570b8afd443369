"""Fidelity metrics of one generator, and how many of them differ from the floor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pathgen.report.metric_table import MetricRow, metric_rows
from pathgen.results.fidelity import Fidelity

# Value of ``better`` to its text.
_BETTER = {"lower": "lower", "higher": "higher", "floor": "closer to the floor"}


@dataclass(frozen=True)
class FidelitySection:
    """What is known of one generator's fidelity.

    Attributes:
        record: Results of the generator.
        compared: Number of metrics whose interval and floor are known.
        worse: Number of those whose interval lies on the worse side of the floor's interval.
        rows: All metrics.
    """

    record: Fidelity
    compared: int
    worse: int
    rows: Sequence[MetricRow]


def fidelity_section(record: Fidelity) -> FidelitySection:
    """Compare the metrics of one generator with their floors."""
    rows = metric_rows(record.metrics)
    better = {row.key: info.better for row in rows if (info := record.about.get(row.metric)) is not None}
    outcomes = [_is_worse(row, better[row.key]) for row in rows if row.key in better]
    known = [outcome for outcome in outcomes if outcome is not None]
    explained = [replace(row, remark=_BETTER.get(better.get(row.key, ""), "")) for row in rows]
    return FidelitySection(record, len(known), sum(known), explained)


def _is_worse(row: MetricRow, better: str) -> bool | None:
    """Return whether a metric's interval lies on the worse side of the floor's; None when unknown."""
    low, high, floor_low, floor_high = row.low, row.high, row.reference_low, row.reference_high
    if low is None or high is None or floor_low is None or floor_high is None:
        return None
    above, below = low > floor_high, high < floor_low
    return {"lower": above, "higher": below, "floor": above or below}[better]
