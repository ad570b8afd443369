"""Runs nested under a stage's run: one per trial of a search, one per point of a curve."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.tracking.client import Store, first_line, open_store
from pathgen.tracking.mlflow_import import MlflowException
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.provenance import flatten
from pathgen.tracking.run import begin_run, ending, log_parameters

_PARENT = "mlflow.parentRunId"
_CHILD = "child"


@contextmanager
def child_run(
    parent_id: str,
    name: str,
    *,
    parameters: Mapping[str, Any],
    tags: Mapping[str, Any],
    experiment: str = "pathgen",
) -> Iterator[MlflowLogger]:
    """Record a part of a stage as a run of its own, nested under the stage's run.

    Any process may open it: the stage itself, a process that it started, or one on another machine that
    uses the same store. There is one child of a name: begun again after anything but FINISHED - also after
    ``kill -9`` - it goes on in the same run. Two processes must not have the same child open at once.
    Its status ends as a stage's does (`pathgen.tracking.run.ending`).

    Args:
        parent_id: MLflow's id of the stage's run.
        name: Tells it from the stage's other children, and is shown in the UI, e.g. ``trial 7``.
        parameters: Its settings, nested or flat.
        tags: What tells it from the others, to group and filter by.
        experiment: Name of the MLflow experiment.

    Yields:
        The run to tell numbers, pictures and files to.

    Raises:
        PathgenError: The tracking store cannot be used, or has no such parent.
    """
    store = open_store(experiment)
    every = {key: str(value) for key, value in {**tags, _PARENT: parent_id, _CHILD: name}.items()}
    run_id, continued = begin_run(store, _left_open(store, parent_id, name), every, name)
    run = MlflowLogger(store, run_id, work_key=f"{parent_id}/{name}", continued=continued)
    with ending(store, run):
        log_parameters(store, run_id, flatten(parameters))
        yield run


def _left_open(store: Store, parent_id: str, name: str) -> str | None:
    """Return the id of the child of this name that has not finished, if there is one."""
    try:
        store.client.get_run(parent_id)
        left = store.client.search_runs(
            [store.experiment_id],
            f"tags.`{_PARENT}` = '{parent_id}' and tags.{_CHILD} = '{name}' "
            "and attributes.status != 'FINISHED'",
            max_results=1,
        )
    except MlflowException as problem:
        raise PathgenError(
            f"MLflow run {parent_id}",
            f"cannot be read in {store.location.name}, and {name} shall be recorded under it: "
            f"{first_line(problem)}",
            "Set MLFLOW_TRACKING_URI to the store of the command that began it",
        ) from None
    return left[0].info.run_id if left else None
