"""``results/fidelity/{generator}/{replicate}.json``: distance between synthetic and original patches."""

from collections.abc import Mapping
from typing import Any, Literal

from pathgen.results.record import Number, Record


class MetricInfo(Record):
    """What a fidelity metric is.

    Attributes:
        description: Meaning, one line.
        better: Which value is better: a lower one, a higher one, or one closer to the floor.
    """

    description: str
    better: Literal["lower", "higher", "floor"]


class Fidelity(Record):
    """The whole file.

    Attributes:
        metrics: Metric key, e.g. ``fidelity/tumor/colour``, to value; with ``/low``, ``/high``, ``/floor``,
            ``/floor_low`` and ``/floor_high`` of each.
        patches: Label to the number of patches compared.
        protocol: Settings and versions that the values depend on.
        about: Name of a metric, e.g. ``colour``, to what it is.
    """

    metrics: Mapping[str, Number]
    patches: Mapping[str, int]
    protocol: Mapping[str, Any]
    about: Mapping[str, MetricInfo] = {}
