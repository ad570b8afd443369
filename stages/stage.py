"""Work around a stage's one call: options, check of its code, lock, MLflow run, resume folder."""

import argparse
import importlib
import inspect
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.files import hold_lock
from pathgen.core.params import Settings
from pathgen.planning.durations import record_duration
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.provenance.code_hash import PACKAGES, check_unchanged, code_manifest
from pathgen.tracking.dvc_api import data_hash, find_stage, open_project
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run import StageFacts, tracked_run


@dataclass
class Stage:
    """A running stage.

    Attributes:
        run: Logger of its MLflow run.
        resume_folder: Folder for snapshots, named after everything that decides the result; removed when the
            stage has finished.
        code: Path of each file of its code to the file's SHA-256.
        reused: Whether a part of its work was loaded, so that its duration says nothing about the whole.
    """

    run: MlflowLogger
    resume_folder: Path
    code: Mapping[str, str]
    reused: bool = False


def dvc_stage(*, trains: bool = False) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Turn a function into the command of a DVC stage.

    Its keyword-only parameters become the command's options: ``*, generator: str, seed: int``. An option
    without a default is required. Settings and inputs to record are those of the stage in dvc.yaml.

    Args:
        trains: Whether to sample processor and memory use while the stage works.
    """
    return lambda work: partial(_run_stage, work, trains=trains)


@cli_errors()
def _run_stage(work: Callable[..., None], *, trains: bool) -> None:
    item, verb = _options(work), Path(inspect.getfile(work)).stem
    with open_project(Path.cwd()) as project:
        found = find_stage(project, " ".join(["python", "-m", f"stages.{verb}", *sys.argv[1:]]))
    code = [Path(path) for path in found.deps if layout.CODE in Path(path).parents]
    hashes: dict[str, str] = {}
    for path in code:
        for manifest in [path] if path.is_file() else sorted(path.glob("*.json")):
            # Code that is imported now stays as it is, whatever is edited while the stage works.
            module, files = check_unchanged(manifest, Path.cwd())
            importlib.import_module(module)
            hashes |= files
    data = {
        path: hashed
        for path, hashed in found.deps.items()
        if path not in (*PACKAGES, layout.PARAMS.name) and Path(path) not in code
    }
    parameters = {name: value for values in found.params.values() for name, value in values.items()}
    shown = {name: value for name, value in item.items() if value is not None}
    facts = StageFacts(
        stage=verb,
        key=found.key,
        item=shown,
        parameters=parameters,
        inputs=data,
        dvc_stage=found.name,
        sample_system_metrics=trains,
    )
    with _running(facts, hashes) as stage:
        work(stage, **item)


def _options(work: Callable[..., None]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=sys.modules[work.__module__].__doc__)
    for name, parameter in inspect.signature(work).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            kind = parameter.annotation
            parser.add_argument(
                f"--{name}",
                required=parameter.default is inspect.Parameter.empty,
                type=int if kind is int else str,
                choices=get_args(kind) if get_origin(kind) is Literal else None,
            )
    return vars(parser.parse_args())


@contextmanager
def running(
    verb: str,
    *,
    settings: Mapping[str, Settings | Mapping[str, object]],
    inputs: Sequence[Path] = (),
    item: Mapping[str, str | int] | None = None,
    trains: bool = False,
) -> Iterator[Stage]:
    """Run the work of a command that is not a stage of dvc.yaml, as `dvc_stage` runs those.

    Args:
        verb: Name of the work, e.g. ``tune``.
        settings: Name of a section of params.yaml to the settings that the work uses.
        inputs: Files and folders that the work reads; each is recorded with DVC's hash.
        item: What distinguishes this work from other work of the command.
        trains: Whether to sample processor and memory use while it works.

    Yields:
        The running stage.

    Raises:
        PathgenError: Another process does the same work, or the tracking store cannot be used.
    """
    parameters = {
        name: values.model_dump(mode="json") if isinstance(values, Settings) else values
        for name, values in settings.items()
    }
    with open_project(Path.cwd()) as project:
        data = {path.as_posix(): data_hash(project, path) for path in inputs}
    key = CacheKey(
        settings={"command": verb, "item": dict(item or {}), **parameters},
        inputs={path: hashed.digest for path, hashed in data.items()},
        code=code_manifest(f"stages.{Path(sys.argv[0]).stem}"),
        libraries=library_versions("torch"),
    )
    facts = StageFacts(
        stage=verb,
        key=key.digest,
        item=item or {},
        parameters=parameters,
        inputs=data,
        sample_system_metrics=trains,
    )
    with _running(facts, key.code) as stage:
        yield stage


@contextmanager
def _running(facts: StageFacts, code: Mapping[str, str]) -> Iterator[Stage]:
    name = "-".join([facts.stage, *(str(value) for value in facts.item.values())])
    snapshots = layout.RESUME / name
    with hold_lock(layout.LOCKS / f"{name}.lock", f"stage {name}"), tracked_run(facts) as run:
        started = time.monotonic()
        stage = Stage(run, snapshots / facts.key[:16], code)
        yield stage
        if facts.dvc_stage is not None and not stage.reused:
            record_duration(facts.dvc_stage, time.monotonic() - started)
        # Also those that attempts with other settings have left.
        shutil.rmtree(snapshots, ignore_errors=True)
