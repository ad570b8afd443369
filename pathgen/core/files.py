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

    def clear() -> None:
        if old.exists() and not target.exists():
            old.rename(target)  # The process, or an earlier one, ended between the two renames below.
        for folder in (draft, old):
            shutil.rmtree(folder, ignore_errors=True)

    clear()
    draft.mkdir()
    try:
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
    finally:
        clear()


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder with all it holds; an older one at `target` is replaced when the copy is complete."""
    with atomic_folder(target) as draft:
        shutil.copytree(source, draft, dirs_exist_ok=True)


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
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def hold_lock(lock_file: Path, desc: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock that the operating system releases when the process ends, also by ``kill -9``.

    Args:
        lock_file: Path of the lock.
        desc: Description of the work, for the message.
        wait: Whether to wait while another process holds the lock, with a line on standard error.

    Raises:
        PathgenError: Another process holds the lock, and `wait` is false.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not wait:
            reason = f"another process is already running it (lock {lock_file})"
            raise PathgenError(desc, reason, "Wait until it has ended, or stop it") from None
        print(f"{desc}: waiting for another process that is running it (lock {lock_file})", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
