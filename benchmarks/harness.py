"""Measure contenders and print the figures: what all benchmarks share."""

import json
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parents[1]

Steps = Iterator[int]  # does some work per item; the item is the number of units, such as patches
Contender = Callable[[], Steps]  # can be pickled, since another process calls it


@dataclass(frozen=True)
class Result:
    """One figure.

    Attributes:
        name: Name of what was measured.
        value: Value in `unit`.
        unit: Unit of `value`.
        cpu_s: CPU time of the work, s; 0 where it was not measured.
    """

    name: str
    value: float
    unit: str
    cpu_s: float = 0.0


def report(results: Sequence[Result], ratios: Mapping[str, float], device: str | None = None) -> None:
    """Print the machine, with the name of a GPU, the figures and the ratios as JSON."""
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    if device is not None:
        machine["device"] = device
    figures = {"machine": machine, "results": [asdict(result) for result in results], "ratios": dict(ratios)}
    print(json.dumps(figures, indent=2))


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its descendants, s, including those that have ended."""
    total = sum(psutil.Process().cpu_times()[:4])
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:4])
    return total


def wait() -> None:
    """Wait until the GPU has finished, if this process uses one."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def rate(name: str, unit: str, amount: int, work: Callable[[], object]) -> Result:
    """Time one call of `work`, which processes `amount` units."""
    cpu, start = cpu_seconds(), time.perf_counter()
    work()
    wait()
    seconds = time.perf_counter() - start
    return Result(name, amount / seconds, f"{unit}/s", cpu_seconds() - cpu)


@dataclass(frozen=True)
class Rounds:
    """Rates of contenders that were measured in the same rounds.

    Attributes:
        unit: Unit of the rates.
        rates: Rate in each round, by contender.
        cpu_s: CPU time in each round, s, by contender.
    """

    unit: str
    rates: Mapping[str, Sequence[float]]
    cpu_s: Mapping[str, Sequence[float]]

    def results(self) -> list[Result]:
        """Return the median rate of each contender."""
        return [Result(name, self.rate(name), self.unit, median(self.cpu_s[name])) for name in self.rates]

    def rate(self, name: str) -> float:
        """Return the median rate of a contender."""
        return median(self.rates[name])

    def ratio(self, name: str, other: str) -> float:
        """Return the median over rounds of the rate of `name` divided by that of `other`."""
        return median(a / b for a, b in zip(self.rates[name], self.rates[other], strict=True))

    def cpu_ratio(self, name: str, other: str) -> float:
        """Return the same for steps of equal work, in units per CPU second."""
        return median(b / a for a, b in zip(self.cpu_s[name], self.cpu_s[other], strict=True))


def in_rounds(
    contenders: Mapping[str, Contender], unit: str, *, rounds: int, seconds: float, warm_up: int = 2
) -> Rounds:
    """Measure contenders in alternation, each in its own process.

    Each round begins with another contender, because a contender affects the next one. A contender starts
    anew in each round, so that data read ahead while it waited do not count.

    Args:
        contenders: Function that starts the work, by name.
        unit: Unit of what a step counts.
        rounds: Number of rounds.
        seconds: Time per contender and round, s; at least one step is measured.
        warm_up: Number of steps before the measurement.
    """
    spawn = multiprocessing.get_context("spawn")
    rates, cpu_s, order = defaultdict(list), defaultdict(list), list(contenders)
    pools = {name: ProcessPoolExecutor(1, mp_context=spawn) for name in contenders}
    try:
        for first in range(rounds):
            for name in order[first % len(order) :] + order[: first % len(order)]:
                turn = pools[name].submit(_turn, contenders[name], seconds, warm_up).result()
                rates[name].append(turn[0])
                cpu_s[name].append(turn[1])
    finally:
        for pool in pools.values():
            pool.shutdown()
    return Rounds(f"{unit}/s", {name: rates[name] for name in order}, cpu_s)


def _turn(start: Contender, seconds: float, warm_up: int) -> tuple[float, float]:
    """Return the units per second and the CPU time of a contender, s."""
    steps = start()
    for _ in range(warm_up):
        next(steps)
    wait()
    cpu, begin = cpu_seconds(), time.perf_counter()
    done = next(steps)
    while time.perf_counter() - begin < seconds:
        done += next(steps)
    wait()
    return done / (time.perf_counter() - begin), cpu_seconds() - cpu


def own_process(name: str, work: Callable[..., object], *arguments: object) -> tuple[Result, Result]:
    """Call a function in a new process; return wall time with the start of Python, and largest memory."""
    start = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        cpu_s, peak_mb = pool.submit(_usage, work, arguments).result()
    seconds = time.perf_counter() - start
    return Result(f"{name}: time", seconds, "s", cpu_s), Result(f"{name}: memory", peak_mb, "MB", cpu_s)


def _usage(work: Callable[..., object], arguments: tuple[object, ...]) -> tuple[float, float]:
    work(*arguments)
    # ru_maxrss of this process would include that of its parent.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return cpu_seconds(), max(own_kb, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
