"""Location of the tracking store, without importing mlflow."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pathgen.core.errors import PathgenError
from pathgen.core.store_failures import without_credentials

#: Beginning of the URI of a SQLite file.
SQLITE = "sqlite:///"
_MARKS = ("dvc.yaml", "params.yaml", ".git")


@dataclass(frozen=True)
class Location:
    """A tracking store.

    Attributes:
        root: The main checkout.
        uri: Tracking URI, absolute.
        artifacts: Folder for the artifacts of a new experiment; None on a server.
    """

    root: Path
    uri: str
    artifacts: Path | None

    @property
    def name(self) -> str:
        """The URI without user name and password, for messages."""
        return without_credentials(self.uri)


def main_checkout() -> Path:
    """Find the main checkout.

    DVC sets ``DVC_ROOT`` to it, also for a stage of ``dvc exp run --temp`` that works in a copy: runs of
    all copies go to one store. Without DVC it is the working folder or its nearest parent that looks
    like a checkout.

    Raises:
        PathgenError: None of these folders holds dvc.yaml, params.yaml or .git.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    start = Path.cwd()
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in _MARKS):
            return folder
    raise PathgenError(start, "is not inside a checkout of the project", "Change into the checkout first")


def find_location() -> Location:
    """Find the tracking store: that of ``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the main checkout.

    Raises:
        PathgenError: There is no checkout.
    """
    root = main_checkout()
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    if uri.startswith(SQLITE):
        # A relative path, as `mlflow run` passes it on, is relative to the main checkout.
        database = root / uri.removeprefix(SQLITE)
        return Location(root, f"{SQLITE}{database}", database.parent / "mlruns")
    on_server = urlsplit(uri).scheme in {"http", "https"} or uri.startswith("databricks")
    return Location(root, uri, None if on_server else root / "mlruns")


def ui_command() -> str:
    """Return the shell command that shows the runs: of a server, the command that opens its address.

    With one worker and without job execution MLflow's server takes 2 processes and 0.5 GB instead of 15
    processes and 3.1 GB.
    """
    location = find_location()
    if location.artifacts is None:
        return f"open {location.name}"
    return (
        "MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --workers 1 "
        f"--backend-store-uri {shlex.quote(location.uri)} --host 127.0.0.1"
    )
