"""What DVC knows of the running stage and of data on disk; the only import of dvc.

DVC's own library resolves the templates of dvc.yaml and computes (and remembers) the hashes, so that
they cannot differ from dvc.lock. It costs about 0.8 s beside the other imports.
"""

import logging
import os
from collections.abc import Iterator
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
from pathgen.tracking.dvc_lock import stage_key

PIPELINE_FILE = "dvc.yaml"


@dataclass(frozen=True)
class DataHash:
    """DVC's hash of a file or folder.

    Attributes:
        digest: MD5 of a file's bytes; for a folder the MD5 of its listing with ``.dir`` at the end. At
            most 36 characters.
        size: Bytes in all.
        files: Number of files; None for a file.
    """

    digest: str
    size: int | None
    files: int | None


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


def running_stage() -> str | None:
    """Return the DVC name of the stage that runs this process (``train_gan@dcgan-normal``), or None."""
    address = os.environ.get("DVC_STAGE")
    return address.rpartition(":")[2] if address else None


def _pipeline_file(project: Any) -> str:
    # DVC names a stage outside the working folder's dvc.yaml as "path/dvc.yaml:name".
    named = Path(os.environ.get("DVC_STAGE", "").rpartition(":")[0] or PIPELINE_FILE)
    root = Path(project.root_dir)
    return str(root / named if (root / named).is_file() else root / PIPELINE_FILE)


def running_stage_key(project: Any) -> str | None:
    """Compute the `stage_key` of the stage that runs this process.

    Args:
        project: The open project.

    Returns:
        The key; None when the process was not started by DVC.

    Raises:
        PathgenError: DVC_STAGE names a stage that dvc.yaml does not have.
    """
    name = running_stage()
    if name is None:
        return None
    try:
        pipeline = load_file(project, _pipeline_file(project))
        # Not project.stage.load_one: it reads dvc.lock too, half a second for nothing in the default study.
        stage = pipeline.LOADER(pipeline, pipeline.contents, {})[name]
        params = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        files = [dep for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        return stage_key(
            stage.cmd,
            [(dep.def_path, dep.get_hash().value) for dep in files],
            {dep.def_path: dict(dep.get_hash().value) for dep in params},
        )
    except (DvcException, OSError) as problem:
        raise PathgenError(
            f"DVC_STAGE={name}", f"its inputs cannot be read: {problem}", "Run the stage through dvc repro"
        ) from problem


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
        raise PathgenError(path, "no such file or folder", "Run the stage that makes it")
    _, meta, obj = build(
        project.cache.local, str(path.resolve()), project.fs, "md5", ignore=project.dvcignore, dry_run=True
    )
    return DataHash(str(obj.hash_info.value), meta.size, meta.nfiles)


def stage_names(project: Any) -> list[str]:
    """Return the names of all stages in the project's own dvc.yaml, as written there, templates resolved."""
    path = str(Path(project.root_dir) / PIPELINE_FILE)
    return [stage.name for stage in project.stage.load_all(path)]


def new_project(folder: Path) -> None:
    """Make a DVC project without a history of its own, e.g. to ask what another params file would run."""
    # It would say so on standard output, where a program may wait for JSON.
    logging.getLogger("dvc.repo.init").setLevel(logging.WARNING)
    Repo.init(str(folder), no_scm=True).close()


@dataclass(frozen=True)
class StageState:
    """What DVC says of a stage; nothing is run to find out.

    Attributes:
        reads_from: The stages whose outputs it reads.
        changes: Kind of change (``changed deps``, ``changed outs``, ``changed command``) to what has changed
            and how (``modified``, ``new``, ``deleted``); empty when the stage is up to date.
    """

    reads_from: tuple[str, ...]
    changes: dict[str, Any]


def stage_states(project: Any) -> dict[str, StageState]:
    """Return the state of every stage in the project's own dvc.yaml, by name.

    Raises:
        PathgenError: DVC cannot tell, e.g. because a stage runs just now.
    """
    try:
        with project.lock:
            stages = project.stage.load_all(str(Path(project.root_dir) / PIPELINE_FILE))
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
                )
                for stage in stages
            }
    except DvcException as problem:
        raise PathgenError(
            project.root_dir, f"DVC cannot tell what is up to date: {problem}", "Ask again when no stage runs"
        ) from None
