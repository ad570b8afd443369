"""Settings of the section `compute`."""

from typing import Literal

from pydantic import Field

from pathgen.core.params import Settings


class ComputeSettings(Settings):
    """Section `compute`: the device and the arithmetic of training and synthesis."""

    device: Literal["auto", "cpu", "cuda"] = Field(description="auto: the GPU where there is one.")
    threads: int = Field(
        ge=0,
        le=1024,
        description="CPU threads; 0 leaves it to torch. Another number gives other rounding, so other bytes.",
    )
    precision: Literal["fp32", "bf16"] = Field(
        description="bf16: convolutions and products in bfloat16, weights and losses in float32."
    )
    channels_last: bool = Field(description="Keep images as (N, H, W, C) in memory: faster, other rounding.")
