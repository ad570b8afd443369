"""Other machines: an executor over the workers of a Dask scheduler; the only import of distributed."""

import logging
import os
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pathgen.core.errors import PathgenError, PathgenErrors

if TYPE_CHECKING:
    import distributed

_log = logging.getLogger(__name__)
# How long an address may take to answer.
_CONNECT_S = 30
SIGHT = ".seen-"
"""Begins the name of the files by which workers are found to see a folder."""


def _seen_from_worker(token: Path) -> str | None:
    """Return what is wrong with this worker, or None."""
    if not token.is_file():
        return f"{socket.gethostname()} does not see {token.parent}"
    if not os.access(token.parent, os.W_OK):
        return f"{socket.gethostname()} may not write to {token.parent}"
    return None


@contextmanager
def workers_of(address: str, folder: Path) -> Iterator[Executor]:
    """Connect to a Dask scheduler.

    Args:
        address: Of the scheduler, e.g. ``tcp://10.0.0.5:8786``.
        folder: A folder that every worker must see under the same path and write to.

    Yields:
        An executor whose tasks run on the workers. Work of a worker that dies is given to another.

    Raises:
        PathgenError: Dask is not installed, nothing answers at the address, or a worker does not see the
            folder.
    """
    try:
        import distributed  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError:
        raise PathgenError(
            f"Dask scheduler {address}", "Dask is not installed", 'Run: pip install "pathgen[scale]"'
        ) from None
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, name="pathgen")
    except (OSError, ValueError) as problem:
        raise PathgenError(
            f"Dask scheduler {address}",
            f"does not answer: {problem}",
            "Correct slide_work.scheduler or DASK_SCHEDULER_ADDRESS, or start it: dask scheduler",
        ) from None
    with client:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            _log.warning("the Dask scheduler %s has no workers yet: waiting for one", address)
            client.wait_for_workers(1)
        _require_sight(client, folder)
        try:
            yield client.get_executor(pure=False)
        except CancelledError:
            raise PathgenError(
                f"Dask scheduler {address}",
                "the connection to it was lost",
                "Start it again if it has ended, and run the same command; finished slides are kept",
            ) from None
        except distributed.KilledWorker as problem:
            raise PathgenError(
                f"Dask scheduler {address}",
                f"several workers died over the same slide: {problem}",
                "Look at the workers' logs, mostly it is memory; finished slides are kept",
            ) from None


def _require_sight(client: "distributed.Client", folder: Path) -> None:
    token = folder / f"{SIGHT}{uuid.uuid4().hex}"
    token.touch()
    try:
        said = client.run(_seen_from_worker, token)
    finally:
        token.unlink(missing_ok=True)
    problems = [
        PathgenError(
            f"Dask worker {worker}",
            trouble,
            "Put the checkout and slide_work.folder on a file system that all machines share",
        )
        for worker, trouble in sorted(said.items())
        if trouble
    ]
    if problems:
        raise PathgenErrors(problems)
