"""Speed of each kind of work, from recorded durations and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.planning.durations import FILE, read_durations
from pathgen.planning.inputs import count_inputs
from pathgen.planning.workload import StageWork, find_work, stage_work

# Seconds per unit on four cores without a GPU, for kinds of work that this checkout has not done yet.
# Source: runs of the default study and of 20 slides of Camelyon16 (docs/results.md, docs/scale.md).
_REFERENCE = {
    "cohort phantom": 10 / 122e6,
    "cohort files": 0.05,
    "index phantom": 2 / 122e6,
    "index files": 1.5,
    "extract": 1 / 2400,
    "survey": 0.27,
    "train_gan": 200 / (100e3 * 32**2 * 32**2),
    "synthesise": 1.5 / (2000 * 32**2 * 32**2),
    "train": 18 / (10e3 * 32**2),
    "evaluate": 9 / (16.8e3 * 32**2),
    "fidelity": 2.5 / 1200,
    "privacy": 25 / (400 * 1400 * 32**2),
}
# Start and end of a process, which recorded durations do not contain.
START_S = 3.0


@dataclass(frozen=True)
class Speed:
    """Speed of one kind of work.

    Attributes:
        seconds_per_unit: Seconds for one unit, besides `START_S` per stage.
        recorded: Whether this checkout has recorded it; otherwise it is a reference value of another machine.
    """

    seconds_per_unit: float
    recorded: bool


def recorded_speeds(root: Path) -> dict[str, Speed]:
    """Return the speed of every kind of work that this checkout has recorded.

    Args:
        root: Root of the checkout.

    Returns:
        Speed by kind of work. Of several stages of one kind the total counts.
    """
    content = read_durations(root / FILE)
    seconds: dict[str, float] = {}
    units: dict[str, float] = {}
    for digest, params in content["params"].items():
        known = {one.stage: one for one in _work_of(params, root)}
        for stage, entry in content["stages"].items():
            work = find_work(known, stage)
            if work is not None and entry["params"] == digest:
                seconds[work.kind] = seconds.get(work.kind, 0.0) + entry["seconds"]
                units[work.kind] = units.get(work.kind, 0.0) + work.units
    return {kind: Speed(seconds[kind] / units[kind], recorded=True) for kind in seconds if units[kind] > 0}


def _work_of(params: Mapping[str, Any], root: Path) -> list[StageWork]:
    try:
        return stage_work(params, count_inputs(params, root))
    except (KeyError, TypeError, ValueError, PathgenError):
        return []  # Settings of an older version, or slides that are gone.


def speed_of(kind: str, recorded: Mapping[str, Speed]) -> Speed:
    """Return the recorded speed of a kind of work, or the reference speed of its group."""
    if kind in recorded:
        return recorded[kind]
    reference = _REFERENCE.get(kind, _REFERENCE.get(kind.partition(" ")[0], 0.0))
    return Speed(reference, recorded=False)
