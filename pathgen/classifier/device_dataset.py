"""Training patches in memory as uint8, and batches of them as the network takes them."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pathgen.classifier.prediction import normalised
from pathgen.classifier.settings import TrainClassifierConfig
from pathgen.core.seeding import numpy_generator, torch_generator
from pathgen.patches.store import PatchSet
from pathgen.training.augmentation import blurred, restained, turned

# Largest share of the free GPU memory for the patches; the rest is for the network.
_SHARE_OF_FREE = 0.5
# Standard deviations of log factor and offset (optical density): haematoxylin, eosin, remainder.
_STAIN_STD = (0.1, 0.1, 0.0)
_OFFSET_STD = (0.02, 0.02, 0.0)
_BLUR_CHANCE = 0.5
_BLUR_PX = 1.0


def batch_order(
    count: int, batch_size: int, seed: int, epoch: int, epoch_patches: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each batch of an epoch, in an order that depends on seed and epoch alone.

    Args:
        count: Number of patches in the set.
        batch_size: Patches per batch; the last batch takes what is left.
        seed: Seed of the training.
        epoch: Number of the epoch, from 1.
        epoch_patches: Number of patches per epoch: consecutive pieces of an endless sequence of passes over
            the set, each pass in an order of its own. None: one pass is one epoch.

    Yields:
        Row numbers, int64 (n,).
    """
    length = count if epoch_patches is None else epoch_patches
    first = (epoch - 1) * length
    passes = range(first // count, -(-(first + length) // count))
    orders = [numpy_generator(seed, "order", number + 1).permutation(count) for number in passes]
    start = first - passes[0] * count
    rows = np.concatenate(orders)[start : start + length]
    for begin in range(0, length, batch_size):
        yield rows[begin : begin + batch_size]


class DeviceDataset:
    """Patches and labels, in the memory of the device where they fit there."""

    def __init__(self, patches: PatchSet, config: TrainClassifierConfig, device: torch.device) -> None:
        """Hold the patches, which may be mapped from disk; on the CPU without a copy."""
        images = patches.images
        self._images: NDArray[np.uint8] | Tensor = images
        if device.type == "cuda" and images.nbytes < _SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0]:
            self._images = torch.from_numpy(np.array(images)).to(device)
        self._labels = torch.from_numpy(patches.classes)
        self._device = device
        self._memory_format = torch.channels_last if config.channels_last else torch.contiguous_format
        self._augment = config.recipe.augment
        self._seed = config.seed

    def batch(self, rows: NDArray[np.int64], step: int) -> tuple[Tensor, Tensor]:
        """Return the batch of one optimiser step.

        Args:
            rows: Row numbers, int64 (N,).
            step: Number of the step, from 0; seeds the augmentation together with the seed.

        Returns:
            Images, float32 (N, 3, H, W) in [-1, 1], and labels, int64 (N,), on the device.
        """
        if isinstance(self._images, Tensor):
            pixels = self._images[torch.from_numpy(rows).to(self._device)]
        else:
            pixels = torch.from_numpy(self._images[rows]).to(self._device)
        pixels = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W), channels last in memory
        images = self._augmented(pixels, step) if self._augment != "none" else normalised(pixels)
        labels = self._labels[torch.from_numpy(rows)].to(self._device)
        return images.contiguous(memory_format=self._memory_format), labels

    def _augmented(self, pixels: Tensor, step: int) -> Tensor:
        # Random numbers come from the CPU on every device, so that they are the same.
        rng = torch_generator(self._seed, "augment", step)
        count = len(pixels)
        images = normalised(turned(pixels, torch.rand(3, count, generator=rng) < 0.5))
        if self._augment == "d4":
            return images
        factors = (torch.randn(count, 3, generator=rng) * torch.tensor(_STAIN_STD)).exp()
        offsets = torch.randn(count, 3, generator=rng) * torch.tensor(_OFFSET_STD)
        images = restained(images, factors.to(self._device), offsets.to(self._device))
        if self._augment == "d4_stain":
            return images
        chosen = torch.rand(count, generator=rng) < _BLUR_CHANCE
        sigma = torch.rand(count, generator=rng) * _BLUR_PX * chosen
        return blurred(images, sigma.to(self._device))
