"""DVC's own account of stages and of data on disk; the only import of dvc.

DVC's library resolves the templates of dvc.yaml and computes (and remembers) the hashes, so that they
cannot differ from dvc.lock.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.dvcfile import load_file
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.graph import build_graph
from dvc_data.hashfile.build import build

from pathgen.core.errors import PathgenError
from pathgen.core.params import read_params

_PIPELINE_FILE = "dvc.yaml"
_LOCK_FILE = "dvc.lock"


@dataclass(frozen=True)
class DataHash:
    """DVC's hash of a file or folder.

    Attributes:
        digest: MD5 of a file's bytes; for a folder the MD5 of its listing with ``.dir`` at the end. At
            most 36 characters.
        size: Number of bytes.
        files: Number of files; None for a file.
    """

    digest: str
    size: int | None
    files: int | None


@dataclass(frozen=True)
class DvcStage:
    """A stage of dvc.yaml with everything that decides its result.

    Attributes:
        name: Name in DVC, e.g. ``train_gan@dcgan``.
        key: `stage_key` of the stage.
        deps: Path as in dvc.yaml to DVC's hash.
        params: Parameters file to dotted name to value.
    """

    name: str
    key: str
    deps: Mapping[str, DataHash]
    params: Mapping[str, Mapping[str, Any]]


@contextmanager
def open_project(folder: Path) -> Iterator[Any]:
    """Open the DVC project that holds `folder`.

    Raises:
        PathgenError: There is none.
    """
    try:
        repo = Repo(str(folder))
    except DvcException as problem:
        raise PathgenError(folder, f"is not in a DVC project: {problem}", "Run dvc init there") from None
    with repo:
        yield repo


def find_stage(project: Any, command: str) -> DvcStage:
    """Find the stage that this process runs, and hash its dependencies.

    Args:
        project: The open project.
        command: Command line of the process. It identifies the stage where DVC did not start the process and
            DVC_STAGE is not set.

    Returns:
        The stage.

    Raises:
        PathgenError: dvc.yaml has no such stage, or a dependency does not exist.
    """
    name = os.environ.get("DVC_STAGE")
    try:
        stage = _by_name(project, name) if name else _by_command(project, command)
        params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        values = {dep.def_path: dict(dep.get_hash().value) for dep in params}
        deps = {
            dep.def_path: data_hash(project, Path(dep.fs_path))
            for dep in stage.deps
            if not isinstance(dep, ParamsDependency)
        }
    except (DvcException, OSError) as problem:
        subject = f"DVC_STAGE={name}" if name else command
        raise PathgenError(subject, f"its inputs cannot be read: {problem}", "Run dvc repro") from problem
    key = stage_key(stage.cmd, [(path, found.digest) for path, found in deps.items()], values)
    return DvcStage(stage.name, key, deps, values)


def _by_name(project: Any, address: str) -> Any:
    pipeline = load_file(project, str(Path(project.root_dir) / _PIPELINE_FILE))
    # Not project.stage.load_one: it reads dvc.lock too, half a second for nothing in the default study.
    # The address is "../dvc.yaml:name" if DVC was started in a sub-folder.
    return pipeline.LOADER(pipeline, pipeline.contents, {})[address.rpartition(":")[2]]


def _all_stages(project: Any) -> Any:
    """Load the stages of the project's own dvc.yaml, templates resolved."""
    return project.stage.load_all(str(Path(project.root_dir) / _PIPELINE_FILE))


def _by_command(project: Any, command: str) -> Any:
    for stage in _all_stages(project):
        if isinstance(stage.cmd, str) and stage.cmd.split() == command.split():
            return stage
    raise PathgenError(command, "is not the command of a stage in dvc.yaml", "See dvc stage list")


def data_hash(project: Any, path: Path) -> DataHash:
    """Hash a file or folder exactly as DVC does, from DVC's memory when it has not changed.

    Args:
        project: The open project.
        path: The file or folder, inside the project or not.

    Returns:
        The hash, equal to the one in dvc.lock for the same content.

    Raises:
        PathgenError: There is no such file or folder.
    """
    if not path.exists():
        raise PathgenError(path, "no such file or folder", "Run: dvc repro")
    _, meta, obj = build(
        project.cache.local, str(path.resolve()), project.fs, "md5", ignore=project.dvcignore, dry_run=True
    )
    return DataHash(str(obj.hash_info.value), meta.size, meta.nfiles)


def stage_names(project: Any) -> list[str]:
    """Return the names of all stages in the project's own dvc.yaml, templates resolved."""
    return [stage.name for stage in _all_stages(project)]


@dataclass(frozen=True)
class StageState:
    """DVC's status of a stage.

    Attributes:
        reads_from: The stages whose outputs it reads.
        changes: Kind of change (``changed deps``, ``changed outs``, ``changed command``) to what has changed
            and how (``modified``, ``new``, ``deleted``); empty when the stage is up to date.
        deps: Paths of its dependencies as in dvc.yaml.
    """

    reads_from: tuple[str, ...]
    changes: dict[str, Any]
    deps: tuple[str, ...] = ()


def downstream(states: Mapping[str, StageState], changed: set[str]) -> set[str]:
    """Return the changed stages and all stages that read their outputs, directly or indirectly."""
    found = set(changed)
    while more := {name for name, state in states.items() if found & set(state.reads_from)} - found:
        found |= more
    return found


def stage_states(project: Any) -> dict[str, StageState]:
    """Return the state of every stage in the project's own dvc.yaml, by name; nothing is run.

    Raises:
        PathgenError: DVC has no answer, e.g. because a stage is running.
    """
    try:
        with project.lock:
            stages = _all_stages(project)
            graph = build_graph(stages)
            return {
                stage.name: StageState(
                    tuple(other.name for other in graph.successors(stage)),
                    {
                        kind: what
                        for found in stage.status().values()
                        for change in found
                        for kind, what in (change.items() if isinstance(change, dict) else [(change, None)])
                    },
                    tuple(dep.def_path for dep in stage.deps),
                )
                for stage in stages
            }
    except DvcException as problem:
        reason = f"DVC cannot determine what is up to date: {problem}"
        raise PathgenError(project.root_dir, reason, "Ask again when no stage is running") from None


def stage_key(cmd: str | list[str], deps: Iterable[tuple[str, str]], params: Mapping[str, Any]) -> str:
    """Hash everything that decides a stage's result: command, dependencies and parameters.

    The stage computes it while it runs, and `locked_key` computes the same key later from dvc.lock alone.
    So a stage that DVC took from its cache still has the run that made its outputs.

    Args:
        cmd: The stage's command(s).
        deps: Path as in dvc.yaml, and DVC's hash of it, of every dependency; in any order.
        params: Parameter file to {dotted name: value}.

    Returns:
        32 hexadecimal digits.
    """
    facts = {"cmd": cmd, "deps": sorted(deps), "params": params}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_lock(root: Path) -> dict[str, dict[str, Any]]:
    """Read the stages of dvc.lock.

    Args:
        root: The folder that holds it.

    Returns:
        Stage name (``train_gan@dcgan``) to its entry; empty when nothing has run yet.

    Raises:
        PathgenError: The file is not YAML.
    """
    lock = root / _LOCK_FILE
    stages: dict[str, dict[str, Any]] = read_params(lock).get("stages") or {} if lock.exists() else {}
    return stages


def locked_key(entry: Mapping[str, Any]) -> str:
    """Compute the `stage_key` of one entry of dvc.lock."""
    deps = [(dep["path"], str(dep.get("md5", ""))) for dep in entry.get("deps", [])]
    return stage_key(entry["cmd"], deps, entry.get("params", {}))
