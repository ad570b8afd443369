"""An executor on the workers of a Dask scheduler; the only import of distributed."""

import os
import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path

from pathgen.core.errors import PathgenError, PathgenErrors

_KEPT = "run the same command again; finished jobs are kept"


def _folder_problem(token: Path) -> str | None:
    """Return what is wrong with the folder of a file as this worker sees it, or None."""
    if not token.is_file():
        return f"{socket.gethostname()} does not see {token.parent}"
    return None if os.access(token.parent, os.W_OK) else f"{socket.gethostname()} cannot write {token.parent}"


@contextmanager
def dask_executor(address: str, shared: Path, timeout_s: float = 30.0) -> Iterator[Executor]:
    """Connect to a Dask scheduler, and wait for a first worker.

    Args:
        address: Address of the scheduler, e.g. ``tcp://10.0.0.5:8786``.
        shared: Folder that every worker must see under the same path and be able to write.
        timeout_s: Longest wait for an answer of the scheduler, seconds.

    Yields:
        An executor of `concurrent.futures`. Dask moves the work of a dead worker to another.

    Raises:
        PathgenError: Dask is not installed, nothing answers at the address, a worker does not see the folder,
            the scheduler ended, or a job killed several workers.
    """
    subject = f"Dask scheduler {address}"
    try:
        import distributed  # noqa: PLC0415 - an optional dependency
    except ModuleNotFoundError:
        raise PathgenError(subject, "Dask is not installed", "Run: pip install -e '.[scale]'") from None
    try:
        client = distributed.Client(address, timeout=timeout_s, name="pathgen")
    except (OSError, ValueError) as problem:
        hint = "Correct jobs.scheduler or DASK_SCHEDULER_ADDRESS, or start it: dask scheduler"
        raise PathgenError(subject, f"does not answer: {problem}", hint) from None
    with client:
        client.wait_for_workers(1)
        token = shared / f".{uuid.uuid4().hex}.partial"
        token.touch()
        found = client.run(_folder_problem, token)
        token.unlink(missing_ok=True)
        hint = "Put the checkout and jobs.folder on a file system that all machines share"
        if problems := [
            PathgenError(f"Dask worker {worker}", str(problem), hint)
            for worker, problem in sorted(found.items())
            if problem
        ]:
            raise PathgenErrors(problems)
        try:
            yield client.get_executor(pure=False)
        except CancelledError:
            raise PathgenError(subject, "the connection was lost", f"Start it again; {_KEPT}") from None
        except distributed.KilledWorker as problem:
            reason = f"several workers died over the same job: {problem}"
            raise PathgenError(subject, reason, f"Give the workers more memory and {_KEPT}") from None
