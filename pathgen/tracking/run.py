"""One MLflow run per executed stage."""

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from pathgen.tracking.client import Store, first_line, open_store
from pathgen.tracking.dvc_api import DataHash, data_hash, open_project, running_stage, running_stage_key
from pathgen.tracking.mlflow_import import STORE_ERRORS, MlflowException, SystemMetricsMonitor, mlflow
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.provenance import device_name, flatten, git_tags, uncommitted_changes, version_tags
from pathgen.tracking.resume import Attempt, attempt, end_abandoned

_PARAMS_PER_BATCH = 100
_REASON_CHARS = 500


class Stopped(SystemExit):
    """The process was asked to end by SIGTERM."""


def _stop(number: int, _: FrameType | None) -> None:
    # A second one, e.g. to the whole process group, must not break off what sets the status.
    signal.signal(number, signal.SIG_IGN)
    raise Stopped(128 + number)


@contextmanager
def _termination_raises() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that the run's status can be set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _system_metrics(store: Store, run_id: str, interval_s: float) -> Iterator[None]:
    """Sample processor, memory, disk, network and GPU in a thread of MLflow's own."""
    monitor = SystemMetricsMonitor(
        run_id, sampling_interval=interval_s, resume_logging=True, tracking_uri=store.location.uri
    )
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


def _work_key(
    name: str, flat: Mapping[str, str], tags: Mapping[str, Any], hashes: Mapping[str, DataHash]
) -> str:
    item = sorted((tag, str(value)) for tag, value in tags.items())
    facts = [name, sorted(flat.items()), item, sorted((path, data.digest) for path, data in hashes.items())]
    return "no-dvc-" + hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _tags(name: str, root: Path, key: str | None, given: Mapping[str, str]) -> dict[str, str]:
    tags = {"stage": name, "device": device_name(), **version_tags(), **git_tags(root)}
    tags |= {"mlflow.source.name": Path(sys.argv[0]).name, "mlflow.source.type": "LOCAL"}
    if key is not None:
        tags |= {"stage_key": key, "dvc_stage": running_stage() or name}
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc_experiment"] = experiment
    return {**tags, **{tag: str(value) for tag, value in given.items()}}


def begin_run(store: Store, left: str | None, tags: dict[str, str], run_name: str) -> tuple[str, bool]:
    """Reopen the run that an unfinished attempt left, or create one.

    Args:
        store: The open store.
        left: Id of the run that was left, if any; one that has finished or was deleted is not taken up.
        tags: Tags of the run.
        run_name: Its name, if it is created.

    Returns:
        The run's id, and whether it was reopened.
    """
    if left is not None:
        try:
            run = store.client.get_run(left)
        except MlflowException:
            run = None
        if run is not None and run.info.lifecycle_stage == "active" and run.info.status != "FINISHED":
            store.client.update_run(left, status="RUNNING")
            attempts = int(run.data.tags.get("attempts", "1")) + 1
            changed = {**tags, "attempts": str(attempts)}
            for stale in {"failure"} & set(run.data.tags):
                store.client.delete_tag(left, stale)
            store.client.log_batch(left, tags=[mlflow.entities.RunTag(*item) for item in changed.items()])
            return left, True
    run = store.client.create_run(store.experiment_id, tags={**tags, "attempts": "1"}, run_name=run_name)
    return str(run.info.run_id), False


def log_parameters(store: Store, run_id: str, flat: Mapping[str, str]) -> None:
    """Record those parameters, dotted name to text, that the run does not have yet."""
    there = store.client.get_run(run_id).data.params
    new = [mlflow.entities.Param(name, value) for name, value in flat.items() if name not in there]
    for start in range(0, len(new), _PARAMS_PER_BATCH):
        store.client.log_batch(run_id, params=new[start : start + _PARAMS_PER_BATCH])


@contextmanager
def ending(
    store: Store, run: MlflowLogger, then: Callable[[str, bool], None] | None = None
) -> Iterator[None]:
    """Give the run its last status when the block ends, and send what waits.

    Args:
        store: The open store.
        run: The run: FINISHED when the block ends well, KILLED on Ctrl-C or SIGTERM, FAILED on any other
            error, with the tag ``failure``.
        then: Told that status, and whether MLflow has taken it.
    """
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except (KeyboardInterrupt, Stopped):
        status = "KILLED"
        raise
    except BaseException as problem:
        lines = str(problem).strip().splitlines() or [""]
        run.tag("failure", f"{type(problem).__name__}: {lines[0]}"[:_REASON_CHARS])
        raise
    finally:
        run.flush()
        taken = _end_run(store, run, status)
        if then is not None:
            then(status, taken)


def _end_run(store: Store, run: MlflowLogger, status: str) -> bool:
    try:
        store.client.set_terminated(run.run_id, status=status)
    except STORE_ERRORS as failure:
        print(f"warning: the run's end is not recorded in MLflow: {first_line(failure)}", file=sys.stderr)
        return False
    return True


@contextmanager
def tracked_stage(
    name: str,
    *,
    parameters: Mapping[str, Any],
    tags: Mapping[str, Any],
    inputs: Sequence[Path],
    run_name: str,
    experiment: str = "pathgen",
    system_metrics_interval_s: float | None = None,
    folder: Path | None = None,
) -> Iterator[MlflowLogger]:
    """Record a stage as one MLflow run, from before its first computation to its end.

    Its status ends as `ending` says. Started again with the same command, inputs and parameters after
    anything but FINISHED - also after ``kill -9`` - a stage goes on in the same run.

    Args:
        name: The stage's verb, e.g. ``train_gan``.
        parameters: The stage's settings, nested or flat.
        tags: What tells this run from the stage's others: generator, label, regime, classifier, seed.
        inputs: Data the stage reads, each a file or folder; recorded with the hash that DVC has for it.
        run_name: As shown in the UI, e.g. ``train_gan dcgan normal``.
        experiment: Name of the MLflow experiment.
        system_metrics_interval_s: Seconds between samples of the system metrics; None: no samples.
        folder: A folder of the project; the working folder when None.

    Yields:
        The run to tell numbers, pictures and files to.

    Raises:
        PathgenError: The tracking store cannot be used, or an input is missing; before anything is
            computed.
    """
    here = (folder or Path.cwd()).resolve()
    store = open_store(experiment)
    place, flat = store.location.name, flatten(parameters)
    with open_project(here) as project:
        key = running_stage_key(project)
        hashes = {path.as_posix(): data_hash(project, here / path) for path in inputs}
    work_key = key or _work_key(name, flat, tags, hashes)
    with _termination_raises(), attempt(store.work, work_key, place) as claim:
        end_abandoned(store.work, store.client, place)
        run_id, continued = begin_run(store, claim.run_id, _tags(name, here, key, tags), run_name)
        claim.began(place, run_id)
        run = MlflowLogger(store, run_id, work_key=work_key, continued=continued)
        with ending(store, run, partial(_note_end, claim, place, run_id)):
            log_parameters(store, run_id, flat)
            for path, data in hashes.items():
                run.dataset(path, Path(path), data)
            if changes := uncommitted_changes(here):
                run.text("uncommitted.diff", changes)
            sampling: AbstractContextManager[None] = nullcontext()
            if system_metrics_interval_s is not None:
                sampling = _system_metrics(store, run_id, system_metrics_interval_s)
            with sampling:
                yield run


def _note_end(claim: Attempt, place: str, run_id: str, status: str, taken: bool) -> None:
    if not taken:
        claim.ends_as(place, run_id, status)
    elif status == "FINISHED":
        claim.finished()
    else:
        claim.stopped(place, run_id)
