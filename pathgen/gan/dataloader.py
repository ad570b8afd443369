"""The original images a discriminator sees: resident in memory, in an order given by the seed alone."""

from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.seeding import torch_generator
from pathgen.training.augmentation import turned

Augment = Literal["none", "d4"]


def sent(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return values of the CPU on a device, without waiting for what a GPU still has to do."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


class Stream(Protocol):
    """The originals of a training, readable at any step without reading the steps before."""

    def batch(self, step: int) -> torch.Tensor:
        """Return the originals of one step, as its players take them."""

    def rows(self, step: int) -> torch.Tensor:
        """Return which originals a step shows, int64 on the CPU."""


class ImageStream:
    """An endless shuffled stream of images, readable at any step without reading the steps before."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        *,
        batch_size: int,
        augment: Augment,
        seed: int,
        device: torch.device,
    ) -> None:
        # A copy: the patch set on disk is mapped read-only.
        self._images = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2)  # (N, 3, H, W)
        self._batch_size = batch_size
        self._augment = augment
        self._seed = seed
        self._epoch, self._rows = -1, torch.empty(0)

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step.

        Args:
            step: From 0. Each epoch shows every image once; a batch may reach into the next epoch.

        Returns:
            (batch_size, 3, H, W), float32 in [-1, 1], channels last in memory.
        """
        batch = self._images[sent(self.rows(step), self._images.device)]
        if self._augment == "d4":
            generator = torch_generator(self._seed, "augment", step)
            coins = torch.rand(3, self._batch_size, generator=generator) < 0.5
            batch = turned(batch, sent(coins, batch.device))
        return batch.to(torch.float32) / 127.5 - 1.0

    def rows(self, step: int) -> torch.Tensor:
        """Return which images a step shows, (batch_size,) int64 on the CPU."""
        place = step * self._batch_size
        end = place + self._batch_size
        rows = []
        while place < end:
            epoch, position = divmod(place, len(self._images))
            rows.append(self._order(epoch)[position : position + end - place])
            place += len(rows[-1])
        return torch.cat(rows)

    def _order(self, epoch: int) -> torch.Tensor:
        if epoch != self._epoch:
            generator = torch_generator(self._seed, "order", epoch)
            self._epoch, self._rows = epoch, torch.randperm(len(self._images), generator=generator)
        return self._rows
