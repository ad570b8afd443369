"""Estimate the time of a study from recorded durations, and ask DVC which of its stages would run."""

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.params import PARAMS_FILE, read_params
from pathgen.core.profiles import read_profile
from pathgen.planning.durations import FILE, read_durations
from pathgen.planning.workload import (
    StageWork,
    originals,
    scaling_work,
    stage_work,
    synthetics,
    tuning_work,
)
from pathgen.provenance.code_hash import check_unchanged
from pathgen.sources.cohort_table import require_folder
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.validation import StudySettings, validate_settings

_LONG_S = 6 * 3600.0
_DISK_SHARE = 0.9
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
        seconds: Time of all stages that would run and have a record.
        to_run: Number of stages that would run.
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
    seconds: float
    to_run: int
    scaling_s: float | None
    tuning_s: float | None
    reuse: bool
    disk_needed: float
    disk_free: float
    notes: Sequence[str]


def make_plan(name: str | None, root: Path) -> Plan:
    """Estimate the time of a study; no stage is run.

    Args:
        name: Name of a profile, path of a params file, or None for the checkout's own params.yaml.
        root: Root of the checkout.

    Raises:
        PathgenError: There is no such profile or file, the study's input folder or slide table is missing, or
            DVC cannot be asked.
        PathgenErrors: Settings are invalid.
    """
    own, file = root / PARAMS_FILE, root / PARAMS_FILE if name is None else Path(name)
    params = read_params(file) if name is None or file.is_file() else read_profile(name)
    study = validate_settings(params, file)
    inputs, missing = _input_files(study.cohort, root)
    reuse = own.is_file() and read_params(own) == params
    work = {one.stage: one for one in stage_work(params, len(inputs))}
    speeds = recorded_speeds(root)
    stages, to_run = _stages_to_run(root, study) if reuse else (list(work), set(work))
    groups = _groups([work.get(stage, StageWork(stage, stage)) for stage in stages], to_run, speeds)
    seconds = sum(group.seconds or 0.0 for group in groups)
    tuning = [_total([one], speeds) for one in tuning_work(params)]
    tuning_s = (
        None if None in tuning else max(one or 0.0 for one in tuning) / params["tuning_work"]["workers"]
    )
    pipeline = params["pipeline"]
    sets = len(pipeline["generators"]) * pipeline["replicates"] + len(pipeline["controls"])
    patches = originals(params) + synthetics(params) * sets
    disk_needed = 2.0 * patches * params["extract"]["size_px"] ** 2 * 3
    disk_free = float(shutil.disk_usage(root).free)
    notes = []
    if missing:
        notes.append(f"{len(missing)} slides of the table do not exist, e.g. {missing[0]}.")
    if seconds > _LONG_S and params["compute"]["device"] == "cpu":
        notes.append("A GPU is advisable (compute.device), or a smaller profile.")
    if disk_needed > _DISK_SHARE * disk_free:
        notes.append("The disk is too small: free some space, or lower sample.per_class or extract.size_px.")
    return Plan(
        name=name or str(PARAMS_FILE),
        inputs=len(inputs),
        groups=groups,
        seconds=seconds,
        to_run=sum(group.to_run for group in groups),
        scaling_s=_total(scaling_work(params), speeds),
        tuning_s=tuning_s,
        reuse=reuse,
        disk_needed=disk_needed,
        disk_free=disk_free,
        notes=notes,
    )


def _input_files(cohort: CohortSettings, root: Path) -> tuple[list[Path], list[str]]:
    """List, without opening any, the files of a source, and those of its slide table that do not exist."""
    source, folder = load_source(cohort.source), root / cohort.folder
    if source.makes_data:
        return source.list_files(folder, cohort), []
    require_folder(folder)
    files = [file for file in source.list_files(folder, cohort) if file.stem not in cohort.exclude_slides]
    missing = [os.path.relpath(file, folder) for file in files if not file.is_file()]
    return [file for file in files if file.is_file()], missing


def recorded_speeds(root: Path) -> dict[str, float]:
    """Return seconds per unit of work, without the start of a process, for every recorded kind of work."""
    content = read_durations(root / FILE)
    seconds: defaultdict[str, float] = defaultdict(float)
    units: defaultdict[str, float] = defaultdict(float)
    for digest, params in content["params"].items():
        try:
            files, _ = _input_files(CohortSettings.model_validate(params["cohort"]), root)
            known = {one.stage: one for one in stage_work(params, len(files))}
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


def _stages_to_run(root: Path, study: StudySettings) -> tuple[list[str], set[str]]:
    """Return the names of all stages, and of those that run unless outputs come out unchanged."""
    # DVC loads for a second: only after the settings and the input folder are known to be right.
    from pathgen.tracking.dvc_api import downstream, open_project, stage_states  # noqa: PLC0415

    with open_project(root) as project:
        states = stage_states(project)
    # DVC compares with the files of `check_params` that are there now; this stage would rewrite some first.
    sampling = study.synthesise.sampling_files(study.pipeline.generators)
    rewritten = {path.as_posix() for path, new in sampling.items() if _read(root / path) != new}
    for manifest in (root / layout.CODE).rglob("*.json"):
        try:
            check_unchanged(manifest, root)
        except PathgenError:
            rewritten.add(manifest.relative_to(root).as_posix())
    changed = {name for name, state in states.items() if state.changes or rewritten & set(state.deps)}
    # What check_params writes was compared already.
    return list(states), changed | downstream(states, changed - {"check_params"})


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
