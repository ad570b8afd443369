"""Metrics of a results file as rows of a table: value, interval and reference value of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pathgen.results.fidelity_record import MetricInfo
from pathgen.results.record import Number
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.formatting import WIDEST, ends, significant

# Last part of a key that belongs to the metric before it, to the field of `MetricRow`.
_PARTS: Mapping[str, str] = {
    "low": "low",
    "high": "high",
    "floor": "reference",
    "floor_low": "reference_low",
    "floor_high": "reference_high",
    "expected": "reference",
    "p_value": "p_value",
    "p_adjusted": "p_adjusted",
}


@dataclass(frozen=True)
class MetricRow:
    """One metric of one class.

    Attributes:
        key: Key in the file, e.g. ``fidelity/tumor/colour``.
        value: Value; None when it is undefined.
        low: Lower end of its interval.
        high: Upper end.
        reference: Value to compare with: the floor between two original sets, or what is expected by chance.
        reference_low: Lower end of the reference's interval.
        reference_high: Upper end.
        p_value: p-value.
        p_adjusted: Holm-adjusted p-value.
        better: Which value is better: ``lower``, ``higher``, ``floor``; empty when unknown.
    """

    key: str
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    reference: Number | None = None
    reference_low: Number | None = None
    reference_high: Number | None = None
    p_value: Number | None = None
    p_adjusted: Number | None = None
    better: str = ""

    @property
    def name(self) -> str:
        """Class and metric for a reader."""
        _, label, metric = self.key.split("/", 2)
        return f"{LABEL_WORDS.get(label, label)}, {metric.replace('_', ' ')}"

    @property
    def ends(self) -> str:
        """Interval as text; empty without one."""
        return _ends(self.low, self.high)

    @property
    def reference_text(self) -> str:
        """Reference value with its interval as text; empty without one."""
        if self.reference is None:
            return ""
        ends = _ends(self.reference_low, self.reference_high)
        return significant(self.reference) + (f" ({ends})" if ends else "")

    @property
    def worse(self) -> bool | None:
        """Whether the interval lies on the worse side of the reference's; None when unknown."""
        low, high, floor_low, floor_high = self.low, self.high, self.reference_low, self.reference_high
        if not self.better or low is None or high is None or floor_low is None or floor_high is None:
            return None
        above, below = low > floor_high, high < floor_low
        return {"lower": above, "higher": below, "floor": above or below}[self.better]

    @property
    def distance(self) -> float | None:
        """Distance from the floor in half-widths of its interval, positive where worse; None when unknown."""
        low, high = self.reference_low, self.reference_high
        if self.worse is None or self.value is None or self.reference is None or low is None or high is None:
            return None
        if high <= low:
            return None
        above = (self.value - self.reference) / ((high - low) / 2)
        return {"lower": above, "higher": -above, "floor": abs(above)}[self.better]


def _ends(low: Number | None, high: Number | None) -> str:
    if low is None or high is None:
        return ""
    # As by `ends`: the interval of a share that excludes nearly nothing.
    share = low >= 0 and high <= 1
    return ends(low, high) if share and high - low > WIDEST else f"{significant(low)} to {significant(high)}"


def metric_rows(
    metrics: Mapping[str, Number | None], about: Mapping[str, MetricInfo] | None = None
) -> list[MetricRow]:
    """Group the keys of a file by metric.

    Args:
        metrics: Keys ``{stage}/{label}/{metric}`` and ``{stage}/{label}/{metric}/{part}`` to values.
        about: Name of a metric, e.g. ``colour``, to what it is; None when unknown.

    Returns:
        One row per metric, in the order of the file.
    """
    found: dict[str, dict[str, Any]] = {}
    for key, value in metrics.items():
        metric, _, part = key.rpartition("/")
        name, field = (metric, _PARTS[part]) if part in _PARTS else (key, "value")
        found.setdefault(name, {})[field] = value
    better = {metric: info.better for metric, info in (about or {}).items()}
    return [
        MetricRow(key, **fields, better=better.get(key.split("/", 2)[-1], ""))
        for key, fields in found.items()
    ]
