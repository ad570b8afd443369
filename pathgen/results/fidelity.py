"""``results/fidelity/{generator}.json``: distance between synthetic and original patches."""

from collections.abc import Mapping
from typing import Any

from pathgen.results.record import Number, Record


class Fidelity(Record):
    """The whole file.

    Attributes:
        metrics: Metric key, e.g. ``fidelity/tumor/colour``, to value; with ``/low``, ``/high``, ``/floor``,
            ``/floor_low`` and ``/floor_high`` of each.
        patches: Label to the number of patches compared.
        protocol: Settings and versions that the values depend on.
    """

    metrics: Mapping[str, Number | None]
    patches: Mapping[str, int]
    protocol: Mapping[str, Any]
