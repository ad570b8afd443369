"""Which run an attempt at some work belongs to, so that a killed stage goes on in its own run.

Per piece of work (a key) a small file in ``work/tracking`` names the unfinished run, and a lock beside
it is held while a process is at it. The operating system lets the lock go when the process ends, also by
``kill -9``: a file whose lock is free names a run that nobody writes to any more.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.tracking.mlflow_import import MlflowClient, MlflowException

_MAX_PARALLEL = 100


@dataclass(frozen=True)
class Attempt:
    """The claim on one piece of work, held by this process.

    Attributes:
        note: File that names the unfinished run.
        run_id: The run that an earlier attempt left, if any.
    """

    note: Path
    run_id: str | None

    def began(self, place: str, run_id: str) -> None:
        """Remember the run before any work is done in it."""
        write_json(self.note, {"place": place, "run_id": run_id, "ended": False})

    def stopped(self, place: str, run_id: str) -> None:
        """Remember that the run has ended without finishing, and that MLflow knows."""
        write_json(self.note, {"place": place, "run_id": run_id, "ended": True})

    def ends_as(self, place: str, run_id: str, status: str) -> None:
        """Remember a status that could not be told to MLflow; `end_abandoned` tells it later."""
        write_json(self.note, {"place": place, "run_id": run_id, "ended": False, "status": status})

    def finished(self) -> None:
        """Forget the run: the next attempt at the same work gets a new one."""
        self.note.unlink(missing_ok=True)


def _read(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def attempt(folder: Path, key: str, place: str) -> Iterator[Attempt]:
    """Claim a piece of work and find the run that an earlier attempt left unfinished.

    Args:
        folder: Where the notes and locks are.
        key: Identifies the work.
        place: The tracking store; a run in another store is not taken up.

    Yields:
        The attempt. Where another process is at the same work just now (two experiments in two copies of
        the checkout), it gets a claim of its own and no earlier run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_MAX_PARALLEL):
        lock_file = folder / f"{key}-{number}.lock"
        lock = filelock.FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        try:
            note = lock_file.with_suffix(".json")
            left = _read(note)
            yield Attempt(note, left.get("run_id") if left.get("place") == place else None)
        finally:
            if not note.exists():
                lock_file.unlink(missing_ok=True)
            lock.release()
        return
    raise PathgenError(folder, f"{_MAX_PARALLEL} processes are at the same work", "Stop some of them")


def end_abandoned(folder: Path, client: MlflowClient, place: str) -> list[str]:
    """Give every run whose process was killed the status KILLED, so that none stays RUNNING for ever.

    A run whose last status could not be told (the server was gone at that moment) gets that one.

    Args:
        folder: Where the notes and locks are.
        client: A client of the store.
        place: The store; notes about other stores are left alone.

    Returns:
        The ids of these runs.
    """
    abandoned = []
    for note in sorted(folder.glob("*.json")):
        left = _read(note)
        if left.get("place") != place or left.get("ended"):
            continue
        lock = filelock.FileLock(note.with_suffix(".lock"))
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            continue
        try:
            if client.get_run(left["run_id"]).info.status == "RUNNING":
                client.set_terminated(left["run_id"], status=left.get("status", "KILLED"))
                abandoned.append(left["run_id"])
            Attempt(note, None).stopped(place, left["run_id"])
        except MlflowException:
            # The run was deleted in the meantime.
            note.unlink(missing_ok=True)
        finally:
            lock.release()
    return abandoned
