"""Put a study's jobs, the rates and what DVC reuses together: one row per group of stages, and a total."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pathgen.planning.disk import copies_of_outputs, free_bytes
from pathgen.planning.measuring import Measured, measure
from pathgen.planning.rates import Rate, recorded_rates, seconds_of
from pathgen.planning.reuse import Reuse, find_reuse
from pathgen.planning.scaling_jobs import scaling_jobs
from pathgen.planning.slides import Slides, list_slides
from pathgen.planning.study import Study
from pathgen.planning.sweep_jobs import sweep_jobs
from pathgen.planning.tuning_jobs import tuning_jobs
from pathgen.planning.words import duration, size
from pathgen.planning.workload import Job, patches_per_role, plan_jobs

_LONG_S = 6 * 3600.0
_ROOM_LEFT = 0.9
_NAMED = 3  # of missing slides
_NOT_PLAIN = ("slides", "rows", "scaling", "dp_sweep", "tuning", "rates")


@dataclass(frozen=True)
class Row:
    """A group of stages, e.g. all of `train_gan`.

    Attributes:
        group: Its name.
        stages: How many stages it has.
        to_run: How many of them DVC would run.
        work: Units of all its stages, by name of their rate.
        seconds: Of those to run.
        seconds_of_all: If nothing was reused.
        reads: Bytes that those to run read.
        writes: Bytes of their outputs, once.
        beside: Bytes that they keep elsewhere.
    """

    group: str
    stages: int
    to_run: int
    work: dict[str, float]
    seconds: float
    seconds_of_all: float
    reads: int
    writes: int
    beside: int


@dataclass(frozen=True)
class Plan:
    """What a study will cost.

    Attributes:
        file: Its params file.
        source: Where its patches come from.
        slides: What it begins with.
        patches: Role to patches per class.
        rows: One per group of stages, in the order of the pipeline.
        scaling: The scaling experiment, which `dvc repro` does not start; as if nothing of it was done.
        dp_sweep: The sweep over epsilon, likewise.
        tuning: The search for classifier settings, likewise: at most, if no trial ended early.
        rates: Units per second, by name.
        device: ``cpu`` or ``cuda``.
        start_s: Seconds that each stage takes to start and end.
        copies: How often DVC keeps an output on this disk.
        disk_free: Bytes.
        notes: What a person should know before starting.
        problems: What must be cured before it can start.
    """

    file: str
    source: str
    slides: Slides
    patches: dict[str, int]
    rows: tuple[Row, ...]
    scaling: Row
    dp_sweep: Row
    tuning: Row
    rates: dict[str, Rate]
    device: str
    start_s: float
    copies: int
    disk_free: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of the stages that DVC would run."""
        return sum(row.seconds for row in self.rows)

    @property
    def seconds_of_all(self) -> float:
        """Of all stages."""
        return sum(row.seconds_of_all for row in self.rows)

    @property
    def disk_needed(self) -> int:
        """Bytes that the stages to run add to the disk."""
        return sum(row.writes * self.copies + row.beside for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON knows it, with the totals."""
        totals = {
            "seconds": self.seconds,
            "seconds_of_all": self.seconds_of_all,
            "disk_needed": self.disk_needed,
        }
        slides = {
            "count": self.slides.count,
            "bytes": self.slides.size,
            "missing": list(self.slides.missing),
        }
        plain = {name: value for name, value in vars(self).items() if name not in _NOT_PLAIN}
        return {
            **plain,
            "slides": slides,
            "rows": [asdict(row) for row in self.rows],
            "scaling": asdict(self.scaling),
            "dp_sweep": asdict(self.dp_sweep),
            "tuning": asdict(self.tuning),
            "rates": {name: asdict(rate) for name, rate in self.rates.items()},
            "totals": totals,
        }


def make_plan(study: Study, root: Path, say: Callable[[str], None]) -> Plan:
    """Tell what a study will cost in a checkout; no stage is run and nothing in it is written.

    Args:
        study: The settings.
        root: The checkout.
        say: Told what is being done.

    Raises:
        PathgenError: The study cannot be computed here at all: no such device, patches too small.
    """
    say("listing slides")
    slides = list_slides(study.cohort, root)
    say("asking DVC what is up to date")
    reuse = find_reuse(study, root)
    measured = measure(study, say)
    return assemble(
        study,
        slides,
        reuse,
        measured,
        copies=copies_of_outputs(root),
        disk_free=free_bytes(root),
    )


def assemble(
    study: Study, slides: Slides, reuse: Reuse, measured: Measured, *, copies: int, disk_free: int
) -> Plan:
    """Compute the plan of what was found and measured.

    Args:
        study: The settings.
        slides: What it begins with.
        reuse: What DVC would run.
        measured: Rates and sizes of this machine.
        copies: How often DVC keeps an output.
        disk_free: Bytes.
    """
    jobs = plan_jobs(study, slides, measured.sizes)
    rates = {**recorded_rates(study.jobs.workers), **measured.rates}
    # A stage that the pipeline has and nothing is known of: it starts, and takes what that takes.
    jobs += [Job(stage, {}) for stage in sorted(reuse.stages - {job.stage for job in jobs})]
    if reuse.problem is None:
        jobs = [job for job in jobs if job.stage in reuse.stages]
    to_run = reuse.to_run if reuse.problem is None else frozenset(job.stage for job in jobs)
    rows = tuple(
        _row(group, list(members), to_run, rates, measured.start_s)
        for group, members in groupby(jobs, key=lambda job: job.group)
    )
    scaling, dp_sweep, tuning = (
        _row(group, members, frozenset(job.stage for job in members), rates, start_s)
        for group, members, start_s in (
            ("scaling", scaling_jobs(study, measured.sizes), measured.start_s),
            ("dp_sweep", sweep_jobs(study), measured.start_s),
            # A worker goes from trial to trial.
            ("tuning", tuning_jobs(study, rates), 0.0),
        )
    )
    used = {name for row in (*rows, scaling, dp_sweep, tuning) for name in row.work}
    plan = Plan(
        file=str(study.file),
        source=study.cohort.source,
        slides=slides,
        patches=study.sample.per_class.model_dump(),
        rows=rows,
        scaling=scaling,
        dp_sweep=dp_sweep,
        tuning=tuning,
        rates={name: rate for name, rate in rates.items() if name in used},
        device=measured.device,
        start_s=measured.start_s,
        copies=copies,
        disk_free=disk_free,
        notes=(),
        problems=tuple(str(problem) for problem in (slides.problem, reuse.problem) if problem is not None),
    )
    return Plan(**{**vars(plan), "notes": tuple(_notes(plan, study))})


def _row(
    group: str, jobs: Sequence[Job], to_run: frozenset[str], rates: dict[str, Rate], start_s: float
) -> Row:
    running = [job for job in jobs if job.stage in to_run]
    work: Counter[str] = Counter()
    for job in jobs:
        work.update(job.work)
    return Row(
        group=group,
        stages=len(jobs),
        to_run=len(running),
        work=dict(work),
        seconds=sum(seconds_of(job.work, rates, start_s) for job in running),
        seconds_of_all=sum(seconds_of(job.work, rates, start_s) for job in jobs),
        reads=sum(job.reads for job in running),
        writes=sum(job.writes for job in running),
        beside=sum(job.beside for job in running),
    )


def _notes(plan: Plan, study: Study) -> list[str]:
    notes = []
    if plan.device == "cpu" and plan.seconds > _LONG_S:
        notes.append(
            f"{duration(plan.seconds)} without a GPU: one is advisable (compute.device: cuda); "
            "or lower train_gan's kimg, or take a smaller profile"
        )
    if plan.disk_needed > plan.disk_free * _ROOM_LEFT:
        notes.append(
            f"the disk has {size(plan.disk_free)} free and this needs {size(plan.disk_needed)}: free some, "
            "lower sample.per_class or extract.size_px, or share DVC's cache (docs/scale.md)"
        )
    if plan.slides.missing:
        named = ", ".join(plan.slides.missing[:_NAMED]) + (
            ", ..." if len(plan.slides.missing) > _NAMED else ""
        )
        then = "stops there" if study.cohort.on_bad_slide == "stop" else "leaves them out"
        count = len(plan.slides.missing)
        notes.append(f"{count} of the table's slides have no file ({named}): the stage cohort {then}")
    asked = sum(patches_per_role(study.sample.per_class).values())
    if plan.slides.problem is None and plan.slides.count == 0:
        notes.append(f"no slide was found, and {asked:,} patches are asked for")
    return notes
