"""Gradients of one contribution at a time, clipped and summed: what DP-SGD adds its noise to.

Source: Abadi et al. 2016 (arXiv 1607.00133, algorithm 1).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import binary_cross_entropy_with_logits

# Gradients held at a time, in numbers: 256 MB in float32.
_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class Contributions:
    """The clipped gradients of some contributions, and what they were made of.

    Attributes:
        sums: Name of a weight to the sum over all contributions; of its shape, float32.
        norms: (U,) the Euclidean norm of each over all weights, before it was clipped.
        logits: (U, K) the discriminator's answers.
    """

    sums: dict[str, torch.Tensor]
    norms: torch.Tensor
    logits: torch.Tensor


def clipped_sum(
    network: nn.Module, images: torch.Tensor, targets: torch.Tensor, max_norm: float
) -> Contributions:
    """Take the gradient of the loss of each contribution by itself, clip it, and add all up.

    The loss of a contribution is the mean cross-entropy of its images. So the sum moves by at most `max_norm`
    when any one contribution comes or goes.

    Args:
        network: Images (K, 3, H, W) to logits (K,), each image's by itself.
        images: (U, K, 3, H, W): K images of each of U contributions; U may be 0.
        targets: (U,) what to answer to the images of each.
        max_norm: To which a longer gradient is shortened.

    Returns:
        The sum and its parts.
    """
    weights = {name: tensor.detach() for name, tensor in network.named_parameters()}
    sums = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    norms, logits = [images.new_zeros(0)], [images.new_zeros((0, images.shape[1]))]

    def loss(
        own: dict[str, torch.Tensor], shown: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        answers = functional_call(network, own, (shown,)).float()
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
    return Contributions(sums, torch.cat(norms), torch.cat(logits))
