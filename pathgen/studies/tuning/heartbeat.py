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


def _started(pid: int) -> float:
    """Return when a process started, as a number that stays what it is when the clock is set."""
    try:
        # Of proc(5) the 22nd field, ticks since the machine's start; the 2nd, a name, may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except FileNotFoundError:
        # Where there is no such file systems keep the time itself; on Linux there is no such process either.
        return float(psutil.Process(pid).create_time())


def this_process() -> dict[str, Any]:
    """Return what tells this process from all others: machine, process id, start."""
    return {"machine": _machine(), "pid": os.getpid(), "started": _started(os.getpid())}


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
        other = _started(owner["pid"]) != owner["started"]
        return bool(other or psutil.Process(owner["pid"]).status() == psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ProcessLookupError):
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
