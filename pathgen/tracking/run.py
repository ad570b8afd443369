"""MLflow runs: one per executed stage, and nested runs for its parts."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.tracking.client import Store, open_store, store_errors
from pathgen.tracking.dvc_api import DataHash
from pathgen.tracking.mlflow_import import mlflow
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run_tags import (
    LONG_PARAMETERS,
    device_name,
    fitting,
    flatten,
    git_tags,
    uncommitted_changes,
    version_tags,
)

_REASON_CHARS = 500


@dataclass(frozen=True)
class StageFacts:
    """What the run of a stage records before the stage computes anything.

    Attributes:
        stage: Verb of the stage, e.g. ``train_gan``.
        key: Key of the work, of everything that decides its result.
        item: Item of the matrix (generator, regime, classifier, seed); each becomes a tag.
        parameters: Settings of the stage, nested or flat.
        inputs: Path of each data set that the stage reads, to its hash.
        dvc_stage: Name of the stage in DVC; None for a command that DVC does not know.
        sample_system_metrics: Whether to sample processor and memory use, if section `tracking` asks for it.
    """

    stage: str
    key: str
    item: Mapping[str, Any]
    parameters: Mapping[str, Any]
    inputs: Mapping[str, DataHash]
    dvc_stage: str | None = None
    sample_system_metrics: bool = False


@contextmanager
def tracked_run(facts: StageFacts) -> Iterator[MlflowLogger]:
    """Record a stage as one MLflow run, from before its first computation to its end.

    The run ends as FINISHED, as KILLED on Ctrl-C, or as FAILED with the tag ``failure``. Otherwise killed, it
    stays RUNNING until the same work is attempted again: that is a new run, with the tag ``continues`` that
    holds the id of the old one, and the old one ends as KILLED, with the runs nested under it.

    Args:
        facts: What to record about the stage.

    Yields:
        Logger of the run.

    Raises:
        PathgenError: The tracking store cannot be used; before anything is computed.
    """
    store = open_store()
    here = Path.cwd()
    tags = {
        "stage": facts.stage,
        "stage_key": facts.key,
        "device": device_name(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
        **version_tags(),
        **git_tags(here),
        **{name: str(value) for name, value in facts.item.items()},
    }
    if facts.dvc_stage is not None:
        tags["dvc_stage"] = facts.dvc_stage
    if dvc_experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc_experiment"] = dvc_experiment
    with store_errors():
        if (previous := _end_previous_attempt(store, facts.key)) is not None:
            tags["continues"] = previous
    name = " ".join([facts.stage, *(str(value) for value in facts.item.values())])
    with _open_run(
        store, name, tags, facts.parameters, sample_system_metrics=facts.sample_system_metrics
    ) as run:
        for path, found in facts.inputs.items():
            run.dataset(path, found)
        if changes := uncommitted_changes(here):
            run.text("uncommitted.diff", changes)
        yield run


def _end_previous_attempt(store: Store, key: str) -> str | None:
    """End the last run of the same work, and return its id if it did not finish."""
    found = store.last_run(f"tags.stage_key = '{key}'")
    if found is None or found.info.status == "FINISHED":
        return None
    # The caller holds the lock of this work, so no process of this checkout is in that run any more.
    if found.info.status == "RUNNING":
        nested = store.client.search_runs(
            [store.experiment_id],
            f"tags.`mlflow.parentRunId` = '{found.info.run_id}' and attributes.status = 'RUNNING'",
        )
        for run in (found, *nested):
            store.client.set_terminated(run.info.run_id, status="KILLED")
    return str(found.info.run_id)


@contextmanager
def nested_run(
    parent_id: str,
    name: str,
    *,
    parameters: Mapping[str, Any],
    tags: Mapping[str, Any],
) -> Iterator[MlflowLogger]:
    """Record a part of a stage as a run of its own, nested under the stage's run.

    Any process may open it: the stage itself, one of its workers, or a process on another machine that uses
    the same store.

    Args:
        parent_id: MLflow's id of the stage's run.
        name: Name in the UI, e.g. ``trial 7``.
        parameters: Settings of the part, nested or flat.
        tags: What distinguishes the part, to group and filter by.

    Yields:
        Logger of the run.

    Raises:
        PathgenError: The tracking store cannot be used.
    """
    texts = {key: str(value) for key, value in tags.items()}
    with _open_run(open_store(), name, texts, parameters, parent_id=parent_id) as run:
        yield run


@contextmanager
def _open_run(
    store: Store,
    name: str,
    tags: Mapping[str, str],
    parameters: Mapping[str, Any],
    *,
    parent_id: str | None = None,
    sample_system_metrics: bool = False,
) -> Iterator[MlflowLogger]:
    """Open a run, nested under that of `parent_id` or the process's open run; set its status at the end."""
    mlflow.set_system_metrics_sampling_interval(store.settings.system_metrics_interval_s)  # type: ignore[no-untyped-call]
    with store_errors():
        active = mlflow.start_run(
            experiment_id=store.experiment_id,
            run_name=name,
            nested=True,
            # MLflow would record the name of the user.
            tags={"mlflow.user": "unknown", **tags},
            parent_run_id=parent_id,
            log_system_metrics=sample_system_metrics and store.settings.system_metrics,
        )
    run = MlflowLogger(store, active.info.run_id)
    status = "FAILED"
    try:
        shown, whole = fitting(flatten(parameters))
        with store_errors():
            mlflow.log_params(shown, run_id=run.run_id)
        if whole:
            run.text(LONG_PARAMETERS, json.dumps(whole, indent=1))
        yield run
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except BaseException as problem:
        lines = str(problem).strip().splitlines() or [""]
        reason = f"{type(problem).__name__}: {lines[0]}"
        run.tag("failure", reason if len(reason) <= _REASON_CHARS else f"{reason[:_REASON_CHARS]} ...")
        raise
    finally:
        run.flush()
        run.attempt("the end of the run", lambda: mlflow.end_run(status))
