"""What a machine can do at most, and how near to it a training comes: products, operations, profiles."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import Result
from benchmarks.turns import wait


@dataclass(frozen=True)
class Arithmetic:
    """How this suite computes on a device: the precision whose matrix products are faster there."""

    device: torch.device
    precision: str
    channels_last: bool
    product_rate: float  # operations per second of a large matrix product in that precision


def product_rates(device: torch.device) -> dict[str, float]:
    """Return the operations per second of a product of two large square matrices, by precision.

    The best of ten, taken in turn: what else the machine does then slows both alike.
    """
    side = 8192 if device.type == "cuda" else 2048
    plain = [torch.randn(side, side, device=device) for _ in range(2)]
    factors = {"fp32": plain, "bf16": [one.to(torch.bfloat16) for one in plain]}
    seconds: dict[str, list[float]] = {name: [] for name in factors}
    for _ in range(11):
        for name, (left, right) in factors.items():
            wait(device)
            start = time.perf_counter()
            left @ right
            wait(device)
            seconds[name].append(time.perf_counter() - start)
    return {name: 2.0 * side**3 / min(took[1:]) for name, took in seconds.items()}


def fastest(device: torch.device) -> Arithmetic:
    """Choose the precision by what products take: a processor without bfloat16 instructions imitates them."""
    products = product_rates(device)
    precision = max(products, key=lambda name: products[name])
    return Arithmetic(device, precision, channels_last=True, product_rate=products[precision])


def operations_per_image(work: Callable[[], int]) -> float:
    """Count the operations of convolutions and products in one step, per image."""
    with FlopCounterMode(display=False) as counter:
        images = work()
    operations: int = counter.get_total_flops()
    return operations / images


_GROUPS = {
    "convolutions and products": ("conv", "mm", "cudnn", "cutlass", "xmma", "sm90", "sm80"),
    "batch norm": ("batch_norm", "bn_"),
    "optimiser": ("adam", "sgd"),
}


def profile_of(work: Callable[[], object], device: torch.device, name: str) -> list[Result]:
    """Say where the time of a step goes, in shares of the operators' own time."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=activities) as profiled:
        start = time.perf_counter()
        for _ in range(4):
            work()
        wait(device)
        took = time.perf_counter() - start
    shares = dict.fromkeys((*_GROUPS, "the rest"), 0.0)
    for event in profiled.key_averages():
        on_gpu = event.device_type.name != "CPU"
        if on_gpu != (device.type == "cuda"):
            continue
        own = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        group = next(
            (g for g, words in _GROUPS.items() if any(w in event.key.lower() for w in words)), "the rest"
        )
        shares[group] += own / 1e6
    whole = sum(shares.values())
    results = [
        Result(f"{name}: {group}", 100 * own / whole, "% of time", 0.0) for group, own in shares.items()
    ]
    if device.type == "cuda":
        results.append(Result(f"{name}: GPU busy", 100 * whole / took, "% of time", 0.0))
    return results
