"""Contenders in turns, each a process of its own: what one sets for its process, the others do not have."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from statistics import median

import torch

from benchmarks.measuring import Result

Steps = Iterator[int]  # does some work at each item, and tells how many images that was
Contender = Callable[[], Steps]  # by its module's name, so that another process can make it


def wait(device: torch.device) -> None:
    """Return when the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def in_turns(
    contenders: Mapping[str, Contender], device: torch.device, *, seconds: float, rounds: int
) -> list[Result]:
    """Let all run in turn, in each round for some seconds; return the middle rate of each.

    Each round begins with another, for what ran just before is felt. A contender starts afresh at each turn:
    what its loader has read ahead while it waited does not count.
    """
    context = multiprocessing.get_context("spawn")
    lines, processes = {}, []
    for name, start in contenders.items():
        lines[name], there = context.Pipe()
        process = context.Process(target=_serve, args=(start, device, seconds, there))
        process.start()
        there.close()  # So that the end of the process is the end of the line.
        processes.append(process)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    order = list(lines.items())
    for first in range(rounds):
        for name, line in order[first % len(order) :] + order[: first % len(order)]:
            line.send(True)
            measured[name].append(line.recv())
    for line in lines.values():
        line.send(False)
    for process in processes:
        process.join()
    return [
        Result(name, median(rate for rate, _ in told), "images/s", median(cpu for _, cpu in told))
        for name, told in measured.items()
    ]


def _serve(start: Contender, device: torch.device, seconds: float, told: Connection) -> None:
    """Work for some seconds at each word from the other end, and tell images per second."""
    while told.recv():
        steps = start()
        for _ in range(2):
            next(steps)
        wait(device)
        images, cpu, begun = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            images += next(steps)
        wait(device)
        told.send((images / (time.perf_counter() - begun), time.process_time() - cpu))
        del steps
