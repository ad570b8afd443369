"""Batches of original patches: resident on the device, in an order that depends on the seed alone."""

from typing import Any

import numpy as np
import torch

from pathgen.core.seeding import torch_generator
from pathgen.gan.dataset import GanDataset
from pathgen.training.augmentation import turned


def to_device(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a CPU tensor to a device without waiting for pending work of a GPU."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def resident_images(data: GanDataset, device: torch.device) -> torch.Tensor:
    """Copy all training patches to a device, uint8 (N, 3, H, W), channels last in memory."""
    # np.array copies: the patch set on disk is mapped read-only.
    return torch.from_numpy(np.array(data.images)).to(device).permute(0, 3, 1, 2)


def augmented_batch(
    images: torch.Tensor, rows: torch.Tensor, augment: str, seed: int, step: int
) -> torch.Tensor:
    """Return a batch of patches, each randomly turned and flipped if asked for.

    Args:
        images: `resident_images`.
        rows: Indices of the batch, int64 (n,) on the CPU.
        augment: ``d4`` or ``none``.
        seed: Seed of the augmentation.
        step: Number of the step.

    Returns:
        float32 (n, 3, H, W) in [-1, 1].
    """
    batch = images[to_device(rows, images.device)]
    if augment == "d4":
        generator = torch_generator(seed, "augment", step)
        coins = torch.rand(3, len(batch), generator=generator) < 0.5
        batch = turned(batch, to_device(coins, batch.device))
    return batch.to(torch.float32) / 127.5 - 1.0


class ShuffledLoader:
    """Endless shuffled batches: each epoch shows every patch once, a batch may reach into the next epoch."""

    def __init__(self, data: GanDataset, settings: Any, device: torch.device) -> None:
        """Copy the patches to the device.

        Args:
            data: Patches of the training.
            settings: Recipe with ``batch_size``, ``augment`` and ``seed``.
            device: Device of the training.
        """
        self._images = resident_images(data, device)
        self._settings = settings
        self._epoch, self._order = -1, torch.empty(0)

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step, float32 (batch_size, 3, H, W) in [-1, 1]."""
        return augmented_batch(
            self._images, self.rows(step), self._settings.augment, self._settings.seed, step
        )

    def rows(self, step: int) -> torch.Tensor:
        """Return the indices of the images of one step, int64 (batch_size,) on the CPU."""
        place = step * self._settings.batch_size
        end = place + self._settings.batch_size
        rows = []
        while place < end:
            epoch, position = divmod(place, len(self._images))
            rows.append(self._shuffled(epoch)[position : position + end - place])
            place += len(rows[-1])
        return torch.cat(rows)

    def _shuffled(self, epoch: int) -> torch.Tensor:
        if epoch != self._epoch:
            generator = torch_generator(self._settings.seed, "order", epoch)
            self._epoch, self._order = epoch, torch.randperm(len(self._images), generator=generator)
        return self._order
