"""Text of a plan for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterator
from datetime import timedelta

from pathgen.planning.plan import Plan

_WIDTH = 80


def as_text(plan: Plan, *, details: bool) -> str:
    """Return the plan as text.

    Args:
        plan: The plan.
        details: Whether to add stage counts and disk space.
    """
    return "\n".join(_lines(plan, details))


def _time(seconds: float | None, prefix: str = "") -> str:
    return "no record yet" if seconds is None else f"{prefix}{timedelta(seconds=round(seconds))}"


def _lines(plan: Plan, details: bool) -> Iterator[str]:
    running = [group for group in plan.groups if group.to_run]
    known = sum(group.to_run for group in running if group.seconds is not None)
    if not running:
        yield f"{plan.name}: nothing to run, all stages are up to date"
    else:
        time = _time(plan.seconds if known else None, "about ")
        yield f"{plan.name}: {time} (h:mm:ss), stages: {known or plan.to_run}"
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
