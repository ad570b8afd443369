"""Time pieces of work, print a table, and write the figures for programs."""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Result:
    """One figure: units of work per second, and the processor seconds it took."""

    name: str
    value: float
    unit: str
    cpu_s: float


def rate(name: str, unit: str, amount: int, work: Callable[[], object]) -> Result:
    """Time one call of `work`, which does `amount` units."""
    process = psutil.Process()
    before = process.cpu_times()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = process.cpu_times()
    cpu = (after.user - before.user) + (after.system - before.system)
    return Result(name, amount / seconds, f"{unit}/s", cpu)


def show(results: list[Result], ratios: dict[str, float], file: Path | None) -> None:
    """Print the figures and the ratios, and write them to `file` as JSON."""
    for result in results:
        digits = 0 if result.value >= 100 else 2
        print(f"{result.name:48} {result.value:12,.{digits}f} {result.unit:12} {result.cpu_s:8.2f} s cpu")
    for name, ratio in ratios.items():
        print(f"{name:48} {ratio:12.1f} x")
    if file is not None:
        machine = {"processor": platform.processor() or platform.machine(), "cores": psutil.cpu_count()}
        figures = {"machine": machine, "results": [asdict(result) for result in results], "ratios": ratios}
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
