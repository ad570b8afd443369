"""Adversarial losses: binary cross-entropy on logits, non-saturating for the generator."""

import torch
from torch.nn import functional


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
