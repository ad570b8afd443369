"""Estimate the time of a study from recorded durations, and ask DVC which of its stages would run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.planning.inputs import input_files
from pathgen.planning.speeds import START_S, Speed, recorded_speeds, speed_of
from pathgen.planning.workload import (
    StageWork,
    find_work,
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


@dataclass(frozen=True)
class Group:
    """Stages of one group, e.g. all of ``train_gan``.

    Attributes:
        name: Name of the group.
        stages: Number of stages.
        to_run: Number of stages that DVC would run.
        seconds: Time of those.
        recorded: Whether the estimate rests on durations of this checkout alone.
    """

    name: str
    stages: int
    to_run: int
    seconds: float
    recorded: bool


@dataclass(frozen=True)
class Plan:
    """Estimate for one study.

    Attributes:
        name: Name of the profile or params file.
        inputs: Number of slides, or of files.
        groups: Groups of stages in the order of the pipeline.
        scaling_s: Time of `make scaling`, if no point is cached.
        tuning_s: Time of `make tuning` at most: every trial complete, with its most expensive network.
        reuse: Whether DVC was asked; otherwise every stage counts.
        disk_needed: Bytes of all patches, in the workspace and in DVC's cache.
        disk_free: Free bytes.
        notes: Warnings.
    """

    name: str
    inputs: int
    groups: Sequence[Group]
    scaling_s: float
    tuning_s: float
    reuse: bool
    disk_needed: float
    disk_free: float
    notes: Sequence[str]

    @property
    def seconds(self) -> float:
        """Time of all stages that would run."""
        return sum(group.seconds for group in self.groups)

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
    groups = _groups([find_work(work, stage) or StageWork(stage, stage) for stage in stages], to_run, speeds)
    patches = originals(params) + synthetics(params) * len(params["pipeline"]["generators"])
    disk_needed = 2.0 * patches * params["extract"]["size_px"] ** 2 * 3
    disk_free = float(psutil.disk_usage(str(root)).free)
    notes = []
    if missing:
        notes.append(f"{len(missing)} slides of the table do not exist, e.g. {missing[0]}.")
    if sum(group.seconds for group in groups) > _LONG_S and params["compute"]["device"] == "cpu":
        notes.append("A GPU is advisable (compute.device), or a smaller profile.")
    if disk_needed > _DISK_SHARE * disk_free:
        notes.append("The disk is too small: free some space, or lower sample.per_class or extract.size_px.")
    return Plan(
        name=name,
        inputs=len(files),
        groups=groups,
        scaling_s=sum(_seconds(one, speeds) for one in scaling_work(params)),
        tuning_s=max(_seconds(one, speeds) for one in tuning_work(params)) / params["tuning_work"]["workers"],
        reuse=reuse,
        disk_needed=disk_needed,
        disk_free=disk_free,
        notes=notes,
    )


def _seconds(work: StageWork, speeds: Mapping[str, Speed]) -> float:
    return START_S + work.units * speed_of(work.kind, speeds).seconds_per_unit


def _groups(work: Sequence[StageWork], to_run: set[str], speeds: Mapping[str, Speed]) -> list[Group]:
    groups = []
    for name in dict.fromkeys(one.group for one in work):
        stages = [one for one in work if one.group == name]
        running = [one for one in stages if one.stage in to_run]
        recorded = all(speed_of(one.kind, speeds).recorded for one in stages)
        seconds = sum(_seconds(one, speeds) for one in running)
        groups.append(Group(name, len(stages), len(running), seconds, recorded))
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
