"""Losses, statistics and operations on networks that several trainers share."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional

# One grey level in [-1, 1]: lower bound of the spread of originals, which are constant in the worst case.
GREY_LEVEL = 1 / 127.5


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Pass gradients through a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def minimise(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Do one step of an optimiser on the gradients of a loss; gradients left over are discarded."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def batch_spread(images: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation over the batch, mean over pixels."""
    # Tensor.std over the batch axis takes ten times as long on a CPU.
    square, mean = images.square().mean(0), images.mean(0)  # (3, H, W) each
    return (square - mean.square()).clamp(min=0.0).sqrt().mean()


def spread_ratio(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return the spread of generated images over that of original images."""
    return batch_spread(fake) / batch_spread(real).clamp(min=GREY_LEVEL)


def grad_norm(network: nn.Module) -> torch.Tensor:
    """Return the Euclidean norm of all gradients of a network."""
    grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(grads)


def discriminator_loss(
    real_logits: torch.Tensor, fake_logits: torch.Tensor, real_target: float
) -> torch.Tensor:
    """Return ``BCE(real, real_target) + BCE(fake, 0)``, each a mean over its batch.

    Args:
        real_logits: Logits of original images, (N,).
        fake_logits: Logits of generated images, (N,).
        real_target: 1, or less for one-sided label smoothing (Salimans et al. 2016, section 3.4).

    Returns:
        A scalar in nats.

    Source: Goodfellow et al. 2014 (arXiv 1406.2661), equation 1.
    """
    real = functional.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, real_target))
    return real + functional.softplus(fake_logits).mean()


def generator_loss(fake_logits: torch.Tensor) -> torch.Tensor:
    """Return ``BCE(fake, 1)``: the non-saturating loss, ``-mean(log(sigmoid(logits)))``.

    Args:
        fake_logits: Logits of generated images, (N,).

    Returns:
        A scalar in nats.

    Source: Goodfellow et al. 2014, end of section 3.
    """
    return functional.softplus(-fake_logits).mean()
