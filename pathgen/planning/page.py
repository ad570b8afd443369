"""A plan as text for a person: the time first and last, a table between, rates and what they are worth."""

from collections.abc import Sequence

from pathgen.planning.plan import Plan, Row
from pathgen.planning.words import duration, number, size

_HEADS = ("stages", "to run", "work of all", "reads", "writes", "time", "of all")


def as_text(plan: Plan) -> str:
    """Return the plan as lines for a terminal.

    Args:
        plan: Of `pathgen.planning.plan.make_plan`.
    """
    lines = [f"{plan.file}: {_headline(plan)}", ""]
    lines += [f"problem: {problem}" for problem in plan.problems]
    lines += [f"note: {note}" for note in plan.notes]
    if plan.problems or plan.notes:
        lines.append("")
    patches = ", ".join(f"{role} {count:,}" for role, count in plan.patches.items())
    found = "to draw" if plan.source == "phantom" else "found"
    what = "files" if plan.source in ("pcam", "patches") else "slides"
    lines += [
        f"source {plan.source}: {plan.slides.count:,} {what} {found}, {size(plan.slides.size)}",
        f"patches per class: {patches}",
        "",
        *_table([_HEADS, *(_cells(row) for row in plan.rows), _total(plan)]),
        "",
        f"Not part of dvc repro: make scaling, about {duration(plan.scaling.seconds)} for "
        f"{plan.scaling.stages} pieces of work, {size(plan.scaling.beside)} of synthetic patches and "
        "of the training set that a point copies while it runs; "
        f"make dp-sweep, about {duration(plan.dp_sweep.seconds)} for {plan.dp_sweep.stages} points; "
        f"make tuning, at most about {duration(plan.tuning.seconds)} for {plan.tuning.stages} trials of its "
        "dearest network, of which bad ones end early.",
        f"Outputs are kept {_times(plan.copies)} (workspace and DVC's cache); with MLflow's copies of models "
        f"and finished slides {size(plan.disk_needed)} more on the disk, {size(plan.disk_free)} are free.",
        *_rates(plan),
        "",
        _headline(plan),
    ]
    return "\n".join(lines)


def _headline(plan: Plan) -> str:
    stages = sum(row.to_run for row in plan.rows)
    if not stages:
        return "nothing to run, all is up to date"
    saved = plan.seconds_of_all - plan.seconds
    reused = f" ({duration(saved)} more are reused)" if saved > 1 else ""
    return f"about {duration(plan.seconds)} for {stages} stages on {_device(plan)}{reused}"


def _device(plan: Plan) -> str:
    return "this machine's processor" if plan.device == "cpu" else "this machine's GPU"


def _times(copies: int) -> str:
    return "once" if copies == 1 else "twice"


def _cells(row: Row) -> tuple[str, ...]:
    work = ", ".join(f"{number(units)} {name}" for name, units in row.work.items() if units)
    time = duration(row.seconds) if row.to_run else "–"
    return (
        f"{row.group}",
        f"{row.to_run} of {row.stages}",
        work,
        size(row.reads),
        size(row.writes),
        time,
        duration(row.seconds_of_all),
    )


def _total(plan: Plan) -> tuple[str, ...]:
    rows = plan.rows
    return (
        "total",
        f"{sum(row.to_run for row in rows)} of {sum(row.stages for row in rows)}",
        "",
        size(sum(row.reads for row in rows)),
        size(sum(row.writes for row in rows)),
        duration(plan.seconds) if plan.seconds else "–",
        duration(plan.seconds_of_all),
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    # Words to the left, amounts to the right.
    left = (True, False, True, False, False, False, False)
    return [
        "  ".join(
            cell.ljust(width) if words else cell.rjust(width)
            for cell, width, words in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]


def _rates(plan: Plan) -> list[str]:
    def listed(origin: str) -> str:
        return ", ".join(
            f"{name} {number(rate.per_s)}/s" for name, rate in plan.rates.items() if rate.origin == origin
        )

    return [
        f"Measured here in seconds, extrapolated: {listed('measured')}; {plan.start_s:.1f} s to start and "
        "end a stage.",
        f"Recorded on four virtual cores of another machine: {listed('recorded')}.",
        "All epochs are counted; patience may end a training earlier. What DVC's cache holds of earlier "
        "settings comes back without being computed. Other work on the machine slows it.",
    ]
