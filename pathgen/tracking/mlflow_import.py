"""The only import of mlflow: sets the environment that MLflow reads while it is imported.

A user's own values win. The import takes 1.9 s, and importing the client alone takes as long.
"""

import logging
import os
from pathlib import Path

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A server that is gone is reported after 2 s, one that swallows every packet after half a minute.
    # MLflow's defaults are 7 tries of 120 s each.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "GIT_PYTHON_REFRESH": "quiet",
}
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.utils.file_utils import get_local_path_or_none  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

#: What a store that cannot be used raises: MLflow's own error, or that of the database, network or missing
#: driver below it.
STORE_ERRORS = (MlflowException, SQLAlchemyError, OSError, ImportError)

# Both report every start and end, in the middle of a stage's progress lines.
for _chatty in ("mlflow.system_metrics", "mlflow.store.db.utils"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


def local_artifacts(place: str) -> Path | None:
    """Return the folder of an artifact location; None for one that is not on this machine's file system."""
    folder: str | None = get_local_path_or_none(place)  # type: ignore[no-untyped-call]
    return None if folder is None else Path(folder)


__all__ = ["STORE_ERRORS", "MlflowClient", "MlflowException", "local_artifacts", "mlflow"]
