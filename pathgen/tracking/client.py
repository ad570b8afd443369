"""Open the tracking store; it is created safely when several processes start at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock
from sqlalchemy import NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.params import load_section
from pathgen.core.store_failures import explain
from pathgen.tracking.mlflow_import import (
    STORE_ERRORS,
    MlflowClient,
    MlflowException,
    local_artifacts,
    mlflow,
)
from pathgen.tracking.settings import TrackingSettings
from pathgen.tracking.uri import SQLITE, Location, find_location

_LOCK_WAIT_S = 120
_CONNECT_S = 10
_DATABASES = {"sqlite", "postgresql", "mysql", "mssql"}
_EXPERIMENT_TAGS = {
    "mlflow.note.content": (
        "One run per executed stage; nested runs are trials of a search or points of a scaling curve. Narrow "
        "the table to one pipeline with ``tags.`pipeline.<first 8 digits>` = 'yes'``. The runs with "
        "``tags.stage = 'pipeline'`` list the run of every stage, also of stages that DVC took from cache."
    ),
}


@dataclass(frozen=True)
class Store:
    """An open tracking store.

    Attributes:
        client: MLflow's client.
        experiment_id: Experiment of the runs.
        location: Location of the store.
        settings: Section `tracking`.
    """

    client: MlflowClient
    experiment_id: str
    location: Location
    settings: TrackingSettings

    def last_run(self, condition: str) -> Any | None:
        """Return the run that started last among those of a search condition, or None."""
        found = self.client.search_runs(
            [self.experiment_id], condition, max_results=1, order_by=["attributes.start_time DESC"]
        )
        return found[0] if found else None


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a failure of the store into one line with a hint for its cause.

    Raises:
        PathgenError: The store cannot be used.
    """
    try:
        yield
    except STORE_ERRORS as problem:
        location = find_location()
        # Not whether the variable is set: MLflow sets it itself.
        own = location.uri == f"{SQLITE}{location.root / 'mlflow.db'}"
        subject = "mlflow.db" if own else f"MLFLOW_TRACKING_URI={location.name}"
        reason, hint = explain(problem, "Set MLFLOW_TRACKING_URI to a store that works")
        raise PathgenError(subject, f"the MLflow store cannot be used: {reason}", hint) from problem


@store_errors()
def open_store() -> Store:
    """Open the store and the experiment of section `tracking`, and create what is missing.

    Also removes ``MLFLOW_RUN_ID`` and ``MLFLOW_EXPERIMENT_ID``, which ``mlflow run`` sets for its children:
    every stage has its own run, in its own experiment.

    Raises:
        PathgenError: The server does not answer within seconds, the database is not usable, the experiment
            was deleted, or its artifacts belong to the checkout that this one was copied from.
    """
    for inherited in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        os.environ.pop(inherited, None)
    location = find_location()
    settings = load_section("tracking", TrackingSettings)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or settings.experiment
    lock = location.root / layout.TRACKING_WORK / "store.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    artifacts = location.artifacts
    # Of several processes that create one SQLite store at the same time, all but one would fail.
    with filelock.FileLock(lock, timeout=_LOCK_WAIT_S):
        if artifacts is not None:
            artifacts.parent.mkdir(parents=True, exist_ok=True)
        _check_database(location.uri)
        mlflow.set_tracking_uri(location.uri)
        client = MlflowClient(location.uri)
        found = client.get_experiment_by_name(name)
        if found is None:
            place = None if artifacts is None else str(artifacts)
            try:
                made = client.create_experiment(name, artifact_location=place, tags=_EXPERIMENT_TAGS)
                return Store(client, str(made), location, settings)
            except MlflowException as problem:
                # On a server another machine may have created it in the meantime.
                if problem.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = client.get_experiment_by_name(name)
                assert found is not None, "the server has just reported that it exists"
    if found.lifecycle_stage == "deleted":
        hint = f"Restore it with: mlflow experiments restore --experiment-id {found.experiment_id}"
        raise PathgenError(f"experiment {name}", "was deleted in MLflow", hint)
    _refuse_foreign_artifacts(location, name, found.artifact_location)
    return Store(client, str(found.experiment_id), location, settings)


def _refuse_foreign_artifacts(location: Location, experiment: str, place: str) -> None:
    """Refuse the database of a copied or moved checkout: it holds the absolute path of the earlier one.

    Object stores and servers are left alone, and databases outside the checkout, which several may share.
    """
    database = Path(location.uri.removeprefix(SQLITE))
    folder = local_artifacts(place)
    if location.artifacts is None or folder is None or not database.is_relative_to(location.root):
        return
    if not folder.resolve().is_relative_to(location.artifacts.resolve()):
        reason = (
            f"its experiment {experiment} stores artifacts in {folder}, not in this checkout, which was "
            "copied or moved"
        )
        hint = "Set tracking.experiment to a new name, or correct the paths as docs/tracking.md describes"
        raise PathgenError(database, reason, hint)


def _check_database(uri: str) -> None:
    """Connect to a database once: MLflow would try for 100 s and print every try."""
    kind = urlsplit(uri).scheme.split("+")[0]
    if kind not in _DATABASES:
        return
    timeout = {"connect_timeout": _CONNECT_S} if kind in {"postgresql", "mysql"} else {}
    try:
        address = make_url(uri)
    except ValueError as problem:  # The port is not a number.
        raise ArgumentError(str(problem)) from None
    if "@" in (address.host or ""):  # The host's name would contain a part of the password, in messages too.
        raise ArgumentError("Could not parse the address: it contains several @")
    with create_engine(address, poolclass=NullPool, connect_args=timeout).connect():
        pass
