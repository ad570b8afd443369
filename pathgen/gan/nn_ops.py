"""What the training steps of all generators do alike: state, freezing, averages and measures of networks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import nn

from pathgen.training.checkpoint import flatten_state, load_optimizer, restore_state

# One grey level: originals that are all alike have no spread to compare with.
LEVEL = 1 / 127.5


class Part(Protocol):
    """What a training keeps over a kill: a network, an optimiser, or any other state."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Go on from a state."""


def parts_state(parts: Mapping[str, Part]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return all tensors of some parts, and the JSON description of their states."""
    tensors: dict[str, torch.Tensor] = {}
    described = {}
    for name, part in parts.items():
        own, described[name] = flatten_state(name, part.state_dict())
        tensors.update(own)
    return tensors, described


def restore_parts(
    parts: Mapping[str, Part], tensors: Mapping[str, torch.Tensor], described: Mapping[str, Any]
) -> None:
    """Take over a `parts_state` of the same parts."""
    for name, part in parts.items():
        state = restore_state(tensors, described[name])
        if isinstance(part, torch.optim.Optimizer):
            load_optimizer(part, state)
        else:
            part.load_state_dict(state)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def spread(images: torch.Tensor) -> torch.Tensor:
    """Return the mean over pixels of the standard deviation over the batch."""
    # Written out: Tensor.std over the batch axis takes ten times as long on a CPU.
    square, mean = images.square().mean(0), images.mean(0)  # (3, H, W) each
    deviation: torch.Tensor = (square - mean.square()).clamp(min=0.0).sqrt()
    return deviation.mean()


def grad_norm(network: nn.Module) -> torch.Tensor:
    """Return the Euclidean norm of all gradients that a network holds."""
    grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(grads)


def are_finite(*networks: nn.Module) -> bool:
    """Tell whether every weight and running statistic is a finite number."""
    tensors = [tensor for network in networks for tensor in network.state_dict().values()]
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


@torch.no_grad()
def average_into(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an average towards a network: weights and running statistics; counters are copied.

    Args:
        average: Changed in place.
        network: Of the same build.
        decay: Share of the average that stays.
    """
    pairs = [
        (own, other)
        for own, other in zip(average.state_dict().values(), network.state_dict().values(), strict=True)
        if own.is_floating_point()
    ]
    torch._foreach_lerp_([own for own, _ in pairs], [other for _, other in pairs], 1.0 - decay)
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        if not own.is_floating_point():
            own.copy_(other)
