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


def as_json_object(plan: Plan) -> dict[str, Any]:
    """Return the plan and its totals as JSON holds them."""
    return {**asdict(plan), "seconds": plan.seconds, "to_run": plan.to_run}


def as_text(plan: Plan, *, details: bool) -> str:
    """Return the plan as text.

    Args:
        plan: The plan.
        details: Whether to add stage counts and disk space.
    """
    return "\n".join(_lines(plan, details))


def _time(seconds: float | None, prefix: str = "") -> str:
    return "no record yet" if seconds is None else prefix + duration(seconds)


def _lines(plan: Plan, details: bool) -> Iterator[str]:
    running = [group for group in plan.groups if group.to_run]
    known = sum(group.to_run for group in running if group.seconds is not None)
    if not running:
        yield f"{plan.name}: nothing to run, all stages are up to date"
    else:
        time = f"about {duration(plan.seconds)}" if known else "no record yet"
        yield f"{plan.name}: {time} for {_plural(known or plan.to_run, 'stage')}"
        yield ""
        for group in plan.groups if details else running:
            counts = f"{group.to_run:4} of {group.stages:<4}" if details else ""
            yield f"{group.name:<22}{counts}{_time(group.seconds) if group.to_run else '-'}"
    yield ""
    yield f"{'make scaling':<22}{_time(plan.scaling_s, 'about ')}"
    yield f"{'make tuning':<22}{_time(plan.tuning_s, 'at most ')}"
    paragraphs = list(plan.notes)
    if known < plan.to_run:
        paragraphs.append(
            "Stages with no record yet are not in the total: this checkout has not run such stages. Run a "
            "small study first."
        )
    if not plan.reuse:
        paragraphs.append("Every stage is counted: these are not the settings of params.yaml.")
    if details:
        paragraphs += [
            f"{plan.inputs:,} slides or files. Disk: about {plan.disk_needed / 1e9:.1f} GB for patches, "
            f"{plan.disk_free / 1e9:.1f} GB free.",
            "All epochs are counted; early stopping may end a training sooner. Results already in the DVC "
            "cache are restored, not recomputed; the estimate ignores this.",
        ]
    for paragraph in paragraphs:
        yield ""
        yield from textwrap.wrap(paragraph, _WIDTH)
