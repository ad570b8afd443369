"""What one would train a DCGAN with otherwise: the loop of PyTorch's DCGAN example, written anew.

Plain float32 in torch's own memory format; the discriminator ends in a sigmoid; every loss is fetched at
every step; the discriminator's weight gradients are computed for the generator's step too. The networks are
those of the published study, so that only the way of training differs.

Source: https://github.com/pytorch/examples, dcgan.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.gan.generators.dcgan import GENERATOR, init_weights


def memory_batches(images: NDArray[np.uint8], batch_size: int) -> Iterator[torch.Tensor]:
    """Yield shuffled float32 batches (N, 3, H, W) in [-1, 1] of images (M, H, W, 3), M >= N, without end."""
    ready = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1.0
    order = torch.Generator().manual_seed(1)
    while True:
        rows = torch.randperm(len(ready), generator=order)
        for first in range(0, len(rows) - batch_size + 1, batch_size):
            yield ready[rows[first : first + batch_size]]


def folder_batches(folder: Path, batch_size: int, workers: int, side_px: int) -> Iterator[torch.Tensor]:
    """Yield the same from PNG files by ImageFolder and DataLoader, as the example does."""
    from pathgen.core.torchvision_import import torchvision  # noqa: PLC0415 - a machine without it still measures the rest

    steps = torchvision.transforms
    # ToTensor and Normalize are the example's; the newer names do the same at the same cost.
    chain = [steps.Resize(side_px), steps.CenterCrop(side_px), steps.ToTensor()]
    transform = steps.Compose([*chain, steps.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
    images = torchvision.datasets.ImageFolder(str(folder), transform=transform)
    # Forked, as in a script of one process on Linux; where this one was spawned it would spawn them.
    loader = torch.utils.data.DataLoader(
        images,
        batch_size=batch_size,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        multiprocessing_context="fork",
    )
    while True:
        for batch, _ in loader:
            yield batch


class Example:
    """The example's training, step by step."""

    def __init__(self, recipe: Any, side_px: int, device: torch.device) -> None:
        self.generator, self.discriminator = GENERATOR.networks(recipe, side_px)
        for seed, network in enumerate((self.generator, self.discriminator)):
            init_weights(network, seed)
            network.to(device)
        self._latent_dim, self._device = recipe.latent_dim, device
        self._criterion = nn.BCELoss()
        self._adam_generator = _adam(self.generator)
        self._adam_discriminator = _adam(self.discriminator)

    def train(self, batches: Iterable[torch.Tensor]) -> Iterator[int]:
        """Train on each batch; yield how many originals it had once its losses are known."""
        for batch in batches:
            real = batch.to(self._device)
            self._step(real)
            yield len(real)

    def _step(self, real: torch.Tensor) -> None:
        self.discriminator.zero_grad()
        self._loss(real, 1.0).backward()  # type: ignore[no-untyped-call]
        latents = torch.randn(len(real), self._latent_dim, device=self._device)
        fake = self.generator(latents)
        self._loss(fake.detach(), 0.0).backward()  # type: ignore[no-untyped-call]
        self._adam_discriminator.step()
        self.generator.zero_grad()
        self._loss(fake, 1.0).backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()

    def _loss(self, images: torch.Tensor, target: float) -> torch.Tensor:
        answers = self.discriminator(images).sigmoid()
        loss: torch.Tensor = self._criterion(answers, torch.full_like(answers, target))
        # The example prints these at every step; fetching them makes the device wait.
        answers.mean().item(), loss.item()
        return loss


def _adam(network: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=0.0002, betas=(0.5, 0.999))
