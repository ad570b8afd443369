"""R1 and path length penalties, each computed once in several steps ("lazy regularisation").

Source: Mescheder et al. 2018 (arXiv 1801.04406, equation 9) for R1, Karras et al. 2020 (arXiv 1912.04958,
section 3.2, equation 4 and appendix B) for the path length.
"""

import math
from typing import Any

import torch


def r1_penalty(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return the squared norm of the discriminator's gradient at each original.

    Args:
        logits: (N,), computed from `images`.
        images: (N, 3, H, W), with ``requires_grad``.

    Returns:
        (N,), differentiable; the loss is its mean times ``r1_gamma / 2``.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3))


def path_lengths(images: torch.Tensor, ws: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return the length of a random image direction, propagated back to w.

    Args:
        images: (N, 3, H, W), computed from `ws`.
        ws: (N, styles, latent_dim), with ``requires_grad``.
        noise: (N, 3, H, W), standard normal.

    Returns:
        (N,), differentiable: norm of the transposed Jacobian times ``noise / sqrt(H * W)``, mean square over
        the styles.
    """
    scaled = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * scaled).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


class PathMean:
    """Running mean of path lengths, and the penalty on deviations from it."""

    def __init__(self, decay: float, device: torch.device) -> None:
        self._weight = decay
        self.mean = torch.zeros((), device=device)

    def penalty(self, lengths: torch.Tensor) -> torch.Tensor:
        """Update the mean; return the mean square deviation of lengths (N,) from it, a constant here."""
        self.mean = self.mean.lerp(lengths.detach().mean(), self._weight)
        return (lengths - self.mean).square().mean()

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        return {"mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        self.mean = state["mean"].to(self.mean.device)
