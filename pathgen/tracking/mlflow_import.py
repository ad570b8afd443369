"""The one door to mlflow.

The environment is set before the import, because MLflow reads some of it only then. A user's own
values win. Measured on 4 slow cores beside torch and pandas: the import costs 1.9 s, opening a SQLite
store 1.4 s more (SQLAlchemy and Alembic); importing only the client costs the same, since every part
imports the whole package. Pausing the garbage collector takes about a quarter off.
"""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A server that is gone is said after 2 s, one that swallows every packet after half a minute; MLflow's
    # own defaults are 7 tries of 120 s each.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause the garbage collector while a large package is imported: nothing it makes is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

with without_garbage_collection():
    import mlflow
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from mlflow.system_metrics import system_metrics_monitor
    from sqlalchemy.exc import SQLAlchemyError

# What a store that cannot be used raises: its own error, or that of the database or the network below it.
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError)

# MLflow leaves this class without types.
SystemMetricsMonitor: Any = system_metrics_monitor.SystemMetricsMonitor

# Both tell of every start and end, in the middle of a stage's progress lines.
for _chatty in ("mlflow.system_metrics", "mlflow.store.db.utils"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

__all__ = [
    "STORE_ERRORS",
    "MlflowClient",
    "MlflowException",
    "SystemMetricsMonitor",
    "mlflow",
    "without_garbage_collection",
]
