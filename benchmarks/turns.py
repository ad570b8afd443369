"""Measure contenders in turns, each in its own process, so that none changes the process of another."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from statistics import median

import torch

from benchmarks.measuring import Result

Steps = Iterator[int]  # does some work per item; the item is the number of images
Contender = Callable[[], Steps]  # a module-level function, so that another process can import it


def wait(device: torch.device) -> None:
    """Wait until the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def in_turns(
    contenders: Mapping[str, Contender], device: torch.device, *, seconds: float, rounds: int
) -> list[Result]:
    """Run all contenders in turn for some seconds per round; return the median rate of each.

    Each round begins with another contender, because the one before affects the next. A contender starts anew
    at each turn, so that data read ahead while it waited do not count.
    """
    context = multiprocessing.get_context("spawn")
    connections, processes = {}, []
    for name, start in contenders.items():
        connections[name], other = context.Pipe()
        process = context.Process(target=_serve, args=(start, device, seconds, other))
        process.start()
        other.close()  # The end of the process then closes the connection.
        processes.append(process)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    order = list(connections.items())
    for first in range(rounds):
        for name, connection in order[first % len(order) :] + order[: first % len(order)]:
            connection.send(True)
            measured[name].append(connection.recv())
    for connection in connections.values():
        connection.send(False)
    for process in processes:
        process.join()
    return [
        Result(name, median(rate for rate, _ in rounds_), "images/s", median(cpu for _, cpu in rounds_))
        for name, rounds_ in measured.items()
    ]


def _serve(start: Contender, device: torch.device, seconds: float, connection: Connection) -> None:
    """Work for some seconds at each request, and send the images per second."""
    while connection.recv():
        steps = start()
        for _ in range(2):
            next(steps)
        wait(device)
        images, cpu, begun = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            images += next(steps)
        wait(device)
        connection.send((images / (time.perf_counter() - begun), time.process_time() - cpu))
        del steps
