"""Runs whose process is gone: end them, and find the one that a new run continues.

A process holds a lock file ``work/tracking/{store}/{run}.lock`` while its run is open. The operating system
releases the lock when the process ends, also by ``kill -9``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from pathgen.tracking.client import Store
from pathgen.tracking.mlflow_import import MlflowException


@contextmanager
def open_lock(store: Store, run_id: str) -> Iterator[None]:
    """Hold the lock of an open run."""
    store.run_locks.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(store.run_locks / f"{run_id}.lock")
    with lock:
        yield
        (store.run_locks / f"{run_id}.lock").unlink(missing_ok=True)


def kill_stale_runs(store: Store) -> list[str]:
    """End every run that is RUNNING without a process as KILLED.

    Returns:
        Ids of these runs.
    """
    stale = []
    for file in sorted(store.run_locks.glob("*.lock")):
        lock = filelock.FileLock(file)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        try:
            if store.client.get_run(file.stem).info.status == "RUNNING":
                store.client.set_terminated(file.stem, status="KILLED")
                stale.append(file.stem)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        finally:
            file.unlink(missing_ok=True)
            lock.release()
    return stale


def previous_attempt(store: Store, key: str) -> str | None:
    """Return the id of the last run of the same work, if that run did not finish.

    Args:
        store: The open store.
        key: Key of the work.
    """
    found = store.client.search_runs(
        [store.experiment_id],
        f"tags.stage_key = '{key}'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    return found[0].info.run_id if found and found[0].info.status != "FINISHED" else None
