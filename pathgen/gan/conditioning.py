"""Class conditioning: how a class enters a joint pair of networks, and when.

A pair that is conditioned from the start tends to collapse on few patches; here the class condition begins
late. Source: Shahbazi et al. 2022 (arXiv 2201.06578) for the transition from unconditional to conditional
training, Miyato and Koyama 2018 (arXiv 1802.05637) for the projection discriminator.
"""

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class ClassCondition:
    """Class condition of a batch.

    Attributes:
        labels: Class of each image, int64 (N,).
        weight: Weight of the condition, 0 to 1.
    """

    labels: torch.Tensor
    weight: float

    def one_hot(self, classes: int) -> torch.Tensor:
        """Return the weighted one-hot labels, (N, classes)."""
        # Multiplied, not looked up: a GPU sums the gradients of look-ups in any order.
        numbers = torch.arange(classes, device=self.labels.device)
        return (self.labels[:, None] == numbers).float() * self.weight

    def __getitem__(self, rows: slice) -> "ClassCondition":
        """Return the condition of some images."""
        return ClassCondition(self.labels[rows], self.weight)


def balanced_labels(count: int, classes: int) -> torch.Tensor:
    """Return `count` labels in equal shares, one class after the other, int64."""
    return torch.arange(count) * classes // count


class ClassShift(nn.Module):
    """Shift of latents along a learned direction of each class."""

    def __init__(self, classes: int, latent_dim: int, label: int) -> None:
        """Build with directions 0 (see `init_class_shifts`).

        Args:
            classes: Number of classes.
            latent_dim: Length of a latent vector.
            label: The class without a condition.
        """
        super().__init__()
        self.directions = nn.Parameter(torch.zeros(classes, latent_dim))
        self.label = label

    def forward(self, z: torch.Tensor, c: ClassCondition | None) -> torch.Tensor:
        """Map (N, latent_dim) to (N, latent_dim)."""
        if c is None:
            return z + self.directions[self.label]
        return z + c.one_hot(len(self.directions)) @ self.directions


def class_logits(outputs: torch.Tensor, label: int, c: ClassCondition | None) -> torch.Tensor:
    """Add the logit of the class to the unconditional logit.

    Args:
        outputs: (N, 1 + classes): unconditional logit and one summand per class; (N, 1) without classes.
        label: The class without a condition.
        c: Class condition.

    Returns:
        Logits (N,).
    """
    if outputs.shape[1] == 1:
        return outputs.flatten()
    if c is None:
        return outputs[:, 0] + outputs[:, 1 + label]
    of_class = outputs[:, 1:] * c.one_hot(outputs.shape[1] - 1)  # (N, classes)
    return outputs[:, 0] + of_class.sum(1)


def init_class_shifts(network: nn.Module, rng: torch.Generator) -> None:
    """Draw the directions of every `ClassShift` from N(0, 1)."""
    for module in network.modules():
        if isinstance(module, ClassShift):
            nn.init.normal_(module.directions, 0.0, 1.0, generator=rng)
