"""Measure the fastest arithmetic of a machine, and the rate that it allows a training."""

from dataclasses import dataclass

import torch
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.harness import Steps
from pathgen.gan.generators.interface import Precision


@dataclass(frozen=True)
class Arithmetic:
    """Arithmetic of a contender on a device.

    Attributes:
        device: Device of the networks.
        precision: Precision of trainer and sampler.
        product_rate: Operations per second of a large matrix product in this precision.
    """

    device: torch.device
    precision: Precision
    product_rate: float

    @property
    def gpu(self) -> str | None:
        """Name of the GPU; None on a CPU."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else None

    def limit(self, steps: Steps) -> float:
        """Return images per second if all convolutions and products of a step ran at `product_rate`."""
        next(steps)
        with FlopCounterMode(display=False) as counter:
            images = next(steps)
        return self.product_rate * images / float(counter.get_total_flops())


def fastest(device: torch.device) -> Arithmetic:
    """Choose the precision of the faster matrix product: some processors emulate bfloat16."""
    side = 8192 if device.type == "cuda" else 2048
    rates = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        factors = dict(zip("ab", torch.randn(2, side, side, device=device).to(dtype), strict=True))
        timer = Timer("a @ b", globals=factors, num_threads=torch.get_num_threads())
        rates[precision] = 2.0 * side**3 / min(timer.timeit(1).mean for _ in range(10))
    name = max(rates, key=lambda name: rates[name])
    return Arithmetic(device, Precision(name, channels_last=True), rates[name])
