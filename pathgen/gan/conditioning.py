"""One pair of networks for several classes: how a class enters them, and when.

A pair that is told classes from the start tends to collapse on few patches; here it learns tissue first and
classes later. Source: Shahbazi et al. 2022 (arXiv 2201.06578) for the transition from an unconditional to a
conditional training, Miyato and Koyama 2018 (arXiv 1802.05637) for the discriminator's product with a class.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True)
class Conditioning:
    """When the classes begin to count.

    Attributes:
        classes: How many there are.
        unconditional_share: Share of the training in which they count for nothing.
        ramp_share: Share of the training, after that, in which they come to count fully.
    """

    classes: int
    unconditional_share: float
    ramp_share: float

    def strength(self, step: int, steps: int) -> float:
        """Return how much the classes count at a step: 0 at first, then rising to 1.

        Args:
            step: From 0.
            steps: Of the whole training.
        """
        begin, length = self.unconditional_share * steps, self.ramp_share * steps
        return min(max((step - begin) / max(length, 1.0), 0.0), 1.0)


@dataclass(frozen=True)
class Given:
    """What is told to the networks besides latents or images.

    Attributes:
        labels: (N,) int64, the class of each image.
        strength: How much classes count, 0 to 1.
    """

    labels: torch.Tensor
    strength: float

    def weights(self, classes: int) -> torch.Tensor:
        """Return (N, classes): the strength at each image's class, 0 elsewhere."""
        # Products with it, not look-ups, whose gradients a GPU would sum in any order.
        numbers = torch.arange(classes, device=self.labels.device)
        return (self.labels[:, None] == numbers).float() * self.strength

    def first(self, count: int) -> "Given":
        """Return what is told of the first `count` images."""
        return Given(self.labels[:count], self.strength)


@dataclass(frozen=True)
class Classes:
    """What a training of several classes at once knows besides the images.

    Attributes:
        labels: (N,) int64, the class of each original, from 0.
        held_out_labels: (M,) int64, the same of the held-out patches.
        conditioning: When they begin to count.
    """

    labels: NDArray[np.int64]
    held_out_labels: NDArray[np.int64]
    conditioning: Conditioning

    def in_turn(self, count: int) -> torch.Tensor:
        """Return (count,) int64: equal shares of each class, one class after the other."""
        return torch.arange(count) * self.conditioning.classes // count


class ClassShift(nn.Module):
    """Moves latents into a direction of each class's own."""

    def __init__(self, classes: int, latent_dim: int, label: int) -> None:
        """Build without directions, see `initialise_classes`.

        Args:
            classes: How many.
            latent_dim: Length of a latent vector.
            label: The class that is drawn when none is told.
        """
        super().__init__()
        self.directions = nn.Parameter(torch.zeros(classes, latent_dim))
        self.label = label

    def forward(self, latents: torch.Tensor, given: Given | None) -> torch.Tensor:
        """Map (N, latent_dim) to (N, latent_dim)."""
        if given is None:
            return latents + self.directions[self.label]
        return latents + given.weights(len(self.directions)) @ self.directions


def class_logits(outputs: torch.Tensor, label: int, given: Given | None) -> torch.Tensor:
    """Return the logits of being real, and of the class that is told.

    Args:
        outputs: (N, 1 + classes): a judgement without a class, and one to add for each class; (N, 1) without
            classes.
        label: The class that is meant when none is told.
        given: What is told.

    Returns:
        (N,).
    """
    if outputs.shape[1] == 1:
        return outputs.flatten()
    if given is None:
        return outputs[:, 0] + outputs[:, 1 + label]
    of_class = outputs[:, 1:] * given.weights(outputs.shape[1] - 1)  # (N, classes)
    return outputs[:, 0] + of_class.sum(1)


def initialise_classes(network: nn.Module, rng: torch.Generator) -> None:
    """Draw the directions of `ClassShift` N(0, 1), as long as latents are; nothing where there are none."""
    for module in network.modules():
        if isinstance(module, ClassShift):
            nn.init.normal_(module.directions, 0.0, 1.0, generator=rng)
