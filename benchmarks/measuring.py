"""Time pieces of work, print a table, and write the figures as JSON."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One figure: units of work per second, and the processor seconds of the work."""

    name: str
    value: float
    unit: str
    cpu_s: float


def rate(name: str, unit: str, amount: int, work: Callable[[], object]) -> Result:
    """Time one call of `work`, which does `amount` units."""
    before, start = time.process_time(), time.perf_counter()
    work()
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    return Result(name, amount / seconds, f"{unit}/s", cpu)


@dataclass(frozen=True)
class Run:
    """One program in its own process.

    Attributes:
        seconds: Wall time, s.
        cpu_s: Processor time, s.
        peak_mb: Peak memory, MB.
    """

    seconds: float
    cpu_s: float
    peak_mb: float


# A new program's peak memory includes that of the process that forks it: a small process starts it.
_STARTER = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
figures = time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
with open(sys.argv[1], "w") as file:
    json.dump(figures, file)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def own_process(command: list[str], folder: Path) -> Run:
    """Run a command in `folder` and measure it; exit with a message if it fails."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "figures.json"
        starter = [sys.executable, "-I", "-S", "-c", _STARTER, str(file)]
        status = subprocess.run([*starter, *command], cwd=folder, check=False).returncode
        if status:
            raise SystemExit(f"{' '.join(command)} ended with {status}")
        return Run(*json.loads(file.read_text(encoding="utf-8")))


def show(
    results: list[Result], ratios: dict[str, float], file: Path | None, device: str | None = None
) -> None:
    """Print the figures and ratios, and write them to `file` as JSON, with the name of a GPU."""
    for result in results:
        digits = 0 if result.value >= 100 else 2
        print(f"{result.name:48} {result.value:12,.{digits}f} {result.unit:12} {result.cpu_s:8.2f} s cpu")
    for name, ratio in ratios.items():
        print(f"{name:48} {ratio:12.{1 if ratio >= 1 else 3}f} x")
    if file is not None:
        machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        if device is not None:
            machine["device"] = device
        figures = {"machine": machine, "results": [asdict(result) for result in results], "ratios": ratios}
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
