"""Who is at a trial, and whether that process is still there."""

import hashlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import psutil


def _machine() -> str:
    """Name this machine, and the container on it: process ids mean nothing beyond."""
    facts = [socket.gethostname()]
    for source in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(source)
        if path.is_symlink():
            facts.append(str(path.readlink()))
        elif path.is_file():
            facts.append(path.read_text().strip())
    return hashlib.sha256("/".join(facts).encode()).hexdigest()[:16]


def this_process() -> dict[str, Any]:
    """Return what tells this process from all others: machine, process id, start."""
    return {"machine": _machine(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def is_dead(owner: dict[str, Any]) -> bool | None:
    """Tell whether a process has ended; None when it is on another machine and cannot be asked.

    Args:
        owner: What `this_process` returned there.

    Returns:
        True, False or None.
    """
    if owner["machine"] != _machine():
        return None
    try:
        process = psutil.Process(owner["pid"])
        return bool(process.create_time() != owner["started"] or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Watch:
    """Remembers when each trial last showed a sign of life, by this process's own clock.

    Clocks of different machines are not compared: what counts is whether the number of beats still grows.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[object, float]] = {}

    def silent_s(self, trial: int, beat: object) -> float:
        """Return for how many seconds a trial's beat has been what it is now.

        Args:
            trial: The trial's number.
            beat: Its beat.

        Returns:
            Seconds since this beat was first seen here; 0 at first.
        """
        now = time.monotonic()
        known = self._seen.get(trial)
        if known is None or known[0] != beat:
            self._seen[trial] = (beat, now)
            return 0.0
        return now - known[1]
