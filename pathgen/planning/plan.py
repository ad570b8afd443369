"""Estimate the time of a study from recorded durations, and ask DVC which of its stages would run."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.planning.durations import FILE, read_durations
from pathgen.planning.study_inputs import count_inputs, input_files
from pathgen.planning.workload import (
    StageWork,
    originals,
    scaling_work,
    stage_work,
    synthetics,
    tuning_work,
)
from pathgen.provenance.code_hash import code_manifest
from pathgen.sources.settings import CohortSettings
from pathgen.tracking.dvc_api import PIPELINE_FILE, open_project, stage_states

_LONG_S = 6 * 3600.0
_DISK_SHARE = 0.9
_CHECK = "check_params"
# Start and end of a process, which recorded durations do not contain.
_START_S = 3.0


@dataclass(frozen=True)
class Group:
    """Stages of one group, e.g. all of ``train_gan``.

    Attributes:
        name: Name of the group.
        stages: Number of stages.
        to_run: Number of stages that DVC would run.
        seconds: Time of those; None if this checkout has no record yet of such work.
    """

    name: str
    stages: int
    to_run: int
    seconds: float | None


@dataclass(frozen=True)
class Plan:
    """Estimate for one study.

    Attributes:
        name: Name of the profile or params file.
        inputs: Number of slides, or of files.
        groups: Groups of stages in the order of the pipeline.
        scaling_s: Time of `make scaling`, if no point is cached; None without a record.
        tuning_s: Time of `make tuning` at most: every trial complete, with its most expensive network; None
            without a record.
        reuse: Whether DVC was asked; otherwise every stage counts.
        disk_needed: Bytes of all patches, in the workspace and in DVC's cache.
        disk_free: Free bytes.
        notes: Warnings.
    """

    name: str
    inputs: int
    groups: Sequence[Group]
    scaling_s: float | None
    tuning_s: float | None
    reuse: bool
    disk_needed: float
    disk_free: float
    notes: Sequence[str]

    @property
    def seconds(self) -> float:
        """Time of all stages that would run and have a record."""
        return sum(group.seconds or 0.0 for group in self.groups)

    @property
    def to_run(self) -> int:
        """Number of stages that would run."""
        return sum(group.to_run for group in self.groups)


def make_plan(name: str, params: Mapping[str, Any], root: Path, *, reuse: bool) -> Plan:
    """Estimate the time of a study; no stage is run.

    Args:
        name: Name of the profile or params file.
        params: Valid settings.
        root: Root of the checkout.
        reuse: Whether `params` are the checkout's own, so that DVC can tell which stages are up to date.

    Raises:
        PathgenError: The study's input folder is missing, or DVC cannot be asked.
    """
    files, missing = input_files(CohortSettings.model_validate(params["cohort"]), root)
    work = {one.stage: one for one in stage_work(params, len(files))}
    speeds = recorded_speeds(root)
    stages, to_run = stages_to_run(root) if reuse else (list(work), set(work))
    groups = _groups([work.get(stage, StageWork(stage, stage)) for stage in stages], to_run, speeds)
    searched = [_total([one], speeds) for one in tuning_work(params)]
    tuning = [seconds for seconds in searched if seconds is not None]
    patches = originals(params) + synthetics(params) * len(params["pipeline"]["generators"])
    disk_needed = 2.0 * patches * params["extract"]["size_px"] ** 2 * 3
    disk_free = float(psutil.disk_usage(str(root)).free)
    notes = []
    if missing:
        notes.append(f"{len(missing)} slides of the table do not exist, e.g. {missing[0]}.")
    if sum(group.seconds or 0.0 for group in groups) > _LONG_S and params["compute"]["device"] == "cpu":
        notes.append("A GPU is advisable (compute.device), or a smaller profile.")
    if disk_needed > _DISK_SHARE * disk_free:
        notes.append("The disk is too small: free some space, or lower sample.per_class or extract.size_px.")
    return Plan(
        name=name,
        inputs=len(files),
        groups=groups,
        scaling_s=_total(scaling_work(params), speeds),
        tuning_s=max(tuning) / params["tuning_work"]["workers"] if len(tuning) == len(searched) else None,
        reuse=reuse,
        disk_needed=disk_needed,
        disk_free=disk_free,
        notes=notes,
    )


def recorded_speeds(root: Path) -> dict[str, float]:
    """Return the speed of every kind of work that this checkout has recorded.

    Args:
        root: Root of the checkout.

    Returns:
        Seconds per unit of work by kind, besides the start of a process. Of several stages of one kind the
        total counts.
    """
    content = read_durations(root / FILE)
    seconds: defaultdict[str, float] = defaultdict(float)
    units: defaultdict[str, float] = defaultdict(float)
    for digest, params in content["params"].items():
        try:
            known = {one.stage: one for one in stage_work(params, count_inputs(params, root))}
        except (KeyError, TypeError, ValueError, PathgenError):
            continue  # Settings of an older version, or slides that are gone.
        for stage, entry in content["stages"].items():
            if stage in known and entry["params"] == digest:
                seconds[known[stage].kind] += entry["seconds"]
                units[known[stage].kind] += known[stage].units
    return {kind: seconds[kind] / units[kind] for kind in seconds if units[kind] > 0}


def _total(work: Sequence[StageWork], speeds: Mapping[str, float]) -> float | None:
    """Return the time of stages, or None if there is no record of one of their kinds."""
    if any(one.kind not in speeds for one in work):
        return None
    return sum(_START_S + one.units * speeds[one.kind] for one in work)


def _groups(work: Sequence[StageWork], to_run: set[str], speeds: Mapping[str, float]) -> list[Group]:
    groups = []
    for name in dict.fromkeys(one.group for one in work):
        stages = [one for one in work if one.group == name]
        running = [one for one in stages if one.stage in to_run]
        groups.append(Group(name, len(stages), len(running), _total(running, speeds)))
    return groups


def stages_to_run(root: Path) -> tuple[list[str], set[str]]:
    """Ask DVC for the stages of a checkout.

    Args:
        root: Root of the checkout.

    Returns:
        Names of all stages; names of those that would run, at most: outputs that come out unchanged stop the
        chain earlier.
    """
    with open_project(root) as project:
        states = stage_states(project)
        # check_params would rewrite the manifests of changed code; DVC compares only what is there now.
        rewritten = _changed_manifests(root)
        stages = project.stage.load_all(str(root / PIPELINE_FILE))
        readers = {stage.name for stage in stages if rewritten & {dep.def_path for dep in stage.deps}}
    graph = {name: state.reads_from for name, state in states.items()}
    changed = readers | {name for name, state in states.items() if state.changes}
    return list(states), downstream(graph, changed)


def _changed_manifests(root: Path) -> set[str]:
    """Return the manifests in data/code that no longer hold the hashes of their code."""
    changed = set()
    for file in (root / layout.CODE).rglob("*.json"):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            current = content["code"] == code_manifest(content["module"], root=root)
        except (ValueError, KeyError, TypeError, PathgenError):
            current = False
        if not current:
            changed.add(file.relative_to(root).as_posix())
    return changed


def downstream(graph: Mapping[str, Sequence[str]], changed: set[str]) -> set[str]:
    """Return the changed stages and all stages that read their outputs, directly or indirectly.

    Args:
        graph: Stage to the stages whose outputs it reads.
        changed: Stages that run in any case.
    """
    found = set(changed) & set(graph)
    while True:
        # What check_params writes was compared already.
        more = {name for name in set(graph) - found if (found - {_CHECK}) & set(graph[name])}
        if not more:
            return found
        found |= more
