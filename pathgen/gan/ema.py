"""Exponential moving average (EMA) of a generator's weights."""

import torch
from torch import nn


@torch.no_grad()
def update_ema(g_ema: nn.Module, g: nn.Module, decay: float) -> None:
    """Move an average towards a network: weights and running statistics; integer counters are copied.

    Args:
        g_ema: The average, changed in place.
        g: The network, of the same build.
        decay: Weight of the old average, 0 to 1.
    """
    pairs = [
        (own, other)
        for own, other in zip(g_ema.state_dict().values(), g.state_dict().values(), strict=True)
        if own.is_floating_point()
    ]
    torch._foreach_lerp_([own for own, _ in pairs], [other for _, other in pairs], 1.0 - decay)
    for own, other in zip(g_ema.buffers(), g.buffers(), strict=True):
        if not own.is_floating_point():
            own.copy_(other)
