"""Runs nested under another process's run: one per trial of a search."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pathgen.tracking.client import open_store
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run import open_run


@contextmanager
def nested_run(
    parent_id: str,
    name: str,
    *,
    parameters: Mapping[str, Any],
    tags: Mapping[str, Any],
    experiment: str = "pathgen",
) -> Iterator[MlflowLogger]:
    """Record a part of a stage as a run of its own, nested under the stage's run.

    Any process may open it: the stage itself, one of its workers, or a process on another machine that uses
    the same store. The status at the end is set as `pathgen.tracking.run.open_run` does.

    Args:
        parent_id: MLflow's id of the stage's run.
        name: Name in the UI, e.g. ``trial 7``.
        parameters: Settings of the part, nested or flat.
        tags: What distinguishes the part, to group and filter by.
        experiment: Name of the MLflow experiment.

    Yields:
        Logger of the run.

    Raises:
        PathgenError: The tracking store cannot be used.
    """
    store = open_store(experiment)
    texts = {key: str(value) for key, value in tags.items()}
    with open_run(store, name, texts, parameters, parent_id=parent_id) as run:
        yield run
