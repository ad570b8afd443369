"""Write files and folders atomically; hash and lock files."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from pathgen.core.errors import PathgenError, disk_full, is_disk_full

_CHUNK_BYTES = 1 << 20


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path next to `target` to write to, and rename it to `target` when the block succeeds.

    Args:
        target: Path of the finished file; missing parents are made.

    Yields:
        A path in the same folder. When the block raises, it is removed and an existing `target` stays as it
        was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # One name for all processes: the draft of a killed process is overwritten.
    draft = target.with_name(f".{target.name}.partial")
    try:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder next to `target`, and replace `target` by it when the block succeeds.

    Args:
        target: Path of the finished folder. An older folder there is removed after the new one is complete.

    Yields:
        The folder to fill. When the block raises it is removed and `target` stays as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.partial")
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)  # A process was killed between the two renames below.
    for left_by_a_killed_process in (draft, old):
        shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def report_full_disk(folder: Path, needed_bytes: int | None = None) -> Iterator[None]:
    """Name the folder when its disk is full: the system does not name the file of a failed write.

    Args:
        folder: Folder that is written in.
        needed_bytes: Number of bytes that are needed there, if known.

    Raises:
        PathgenError: The disk is full.
    """
    try:
        yield
    except OSError as problem:
        if is_disk_full(problem):
            raise disk_full(folder, needed_bytes) from None
        raise


def write_json(target: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys, atomically.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    with atomic_path(target) as draft:
        draft.write_text(text + "\n", encoding="utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def try_lock(lock_file: Path, desc: str) -> Iterator[None]:
    """Hold a lock, or fail if another process holds it.

    The operating system releases the lock when the process ends, also by ``kill -9``.

    Args:
        lock_file: Path of the lock.
        desc: Description of the work, for the message.

    Raises:
        PathgenError: Another process holds the lock.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise PathgenError(
            desc,
            f"another process is already running it (lock {lock_file})",
            "Wait until it has ended, or stop it",
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def wait_lock(lock_file: Path, desc: str) -> Iterator[None]:
    """Hold a lock; wait if another process holds it (see `try_lock`).

    Args:
        lock_file: Path of the lock.
        desc: Description of the work, for the line on standard error while it waits.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print(f"{desc}: waiting for another process that is running it (lock {lock_file})", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
