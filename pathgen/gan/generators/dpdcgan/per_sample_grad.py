"""Per-unit gradients, clipped and summed, to which DP-SGD adds its noise.

Source: Abadi et al. 2016 (arXiv 1607.00133, algorithm 1).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import binary_cross_entropy_with_logits

# Number of gradient values in memory at a time: 256 MB in float32.
_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class ClippedGradients:
    """Sum of the clipped gradients of several units.

    Attributes:
        sums: Sum over all units by name of the weight, float32.
        norms: Euclidean norm of each unit's gradient before clipping, (U,).
        logits: Logits of the discriminator, (U, K).
    """

    sums: dict[str, torch.Tensor]
    norms: torch.Tensor
    logits: torch.Tensor


def clipped_sum(
    network: nn.Module, images: torch.Tensor, targets: torch.Tensor, max_norm: float
) -> ClippedGradients:
    """Compute the gradient of each unit's loss, clip it, and sum over the units.

    The loss of a unit is the mean cross-entropy of its images. Adding or removing one unit changes the sum by
    at most `max_norm`.

    Args:
        network: Images (K, 3, H, W) to logits (K,), each image on its own.
        images: K images of each of U units, (U, K, 3, H, W); U may be 0.
        targets: Target of each unit's images, (U,).
        max_norm: Maximum norm of a unit's gradient.

    Returns:
        The sum, the norms and the logits.
    """
    weights = {name: tensor.detach() for name, tensor in network.named_parameters()}
    sums = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    norms, logits = [images.new_zeros(0)], [images.new_zeros((0, images.shape[1]))]

    def loss(
        own: dict[str, torch.Tensor], batch: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        answers = functional_call(network, own, (batch,)).float()
        return binary_cross_entropy_with_logits(answers, target.expand_as(answers)), answers

    each = vmap(grad(loss, has_aux=True), in_dims=(None, 0, 0))
    size = max(1, _AT_ONCE // sum(tensor.numel() for tensor in weights.values()))
    for first in range(0, len(images), size):
        part = slice(first, first + size)
        gradients, answers = each(weights, images[part], targets[part])
        squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients.values()])
        norms.append(squares.sum(0).sqrt())  # (u,)
        factors = (max_norm / norms[-1].clamp(min=torch.finfo(torch.float32).tiny)).clamp(max=1.0)
        for name, gradient in gradients.items():
            sums[name] += torch.tensordot(factors, gradient, dims=1)
        logits.append(answers)
    return ClippedGradients(sums, torch.cat(norms), torch.cat(logits))
