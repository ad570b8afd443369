"""Text of a plan for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from pathgen.planning.plan import Plan

_WIDTH = 80
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration(seconds: float) -> str:
    """Write a duration with one or two units, e.g. ``3 days 4 hours``."""
    for (size, name), (smaller, smaller_name) in pairwise(_UNITS):
        # From ten of the larger unit on the smaller one is noise.
        grain = size if seconds >= 10 * size else smaller
        whole, rest = divmod(round(seconds / grain) * grain, size)
        if whole:
            parts = [_plural(whole, name), *([_plural(rest // smaller, smaller_name)] if rest else [])]
            return " ".join(parts)
    return _plural(max(1, round(seconds)), "second")


def _plural(count: int, name: str) -> str:
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def as_json_object(plan: Plan) -> dict[str, Any]:
    """Return the plan and its totals as JSON holds them."""
    return {**asdict(plan), "seconds": plan.seconds, "to_run": plan.to_run}


def as_text(plan: Plan, *, details: bool) -> str:
    """Return the plan as text.

    Args:
        plan: The plan.
        details: Whether to add stage counts, disk space and the origin of each estimate.
    """
    return "\n".join(_lines(plan, details))


def _lines(plan: Plan, details: bool) -> Iterator[str]:
    if plan.to_run == 0:
        yield f"{plan.name}: nothing to run, all stages are up to date"
    else:
        yield f"{plan.name}: about {duration(plan.seconds)} for {_plural(plan.to_run, 'stage')}"
        yield ""
        for group in plan.groups:
            if details:
                origin = "" if group.recorded else "  (reference value)"
                time = duration(group.seconds) if group.to_run else "-"
                yield f"{group.name:<22}{group.to_run:4} of {group.stages:<4}{time:<22}{origin}".rstrip()
            elif group.to_run:
                yield f"{group.name:<22}{duration(group.seconds)}"
    yield ""
    yield f"{'make scaling':<22}about {duration(plan.scaling_s)}"
    yield f"{'make tuning':<22}at most {duration(plan.tuning_s)}"
    paragraphs = list(plan.notes)
    if not all(group.recorded for group in plan.groups if group.to_run):
        paragraphs.append(
            "Some times are rough: this checkout has not run such stages yet, and values of another machine "
            "(4 cores, no GPU) stand in for them."
        )
    if not plan.reuse:
        paragraphs.append("Every stage is counted: these are not the settings of params.yaml.")
    if details:
        paragraphs += [
            f"{plan.inputs:,} slides or files. Disk: "
            f"about {_gigabytes(plan.disk_needed)} for patches, {_gigabytes(plan.disk_free)} free.",
            "All epochs are counted; early stopping may end a training sooner. Results already in the DVC "
            "cache are restored, not recomputed; the estimate ignores this.",
        ]
    for paragraph in paragraphs:
        yield ""
        yield from textwrap.wrap(paragraph, _WIDTH)
