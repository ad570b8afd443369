"""Training patches kept in memory as bytes, and batch_order as what a network takes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pathgen.classifier.prediction import normalised
from pathgen.classifier.settings import Augment
from pathgen.core.seeding import torch_generator
from pathgen.training.augmentation import blurred, restained, turned

# Of the memory that is free on a GPU; the rest is for the network.
_SHARE_OF_FREE = 0.5
# Standard deviations, of the logarithm of the factors and in optical density: haematoxylin, eosin, remainder.
_STAIN_STD = (0.1, 0.1, 0.0)
_OFFSET_STD = (0.02, 0.02, 0.0)
_BLUR_CHANCE = 0.5
_BLUR_PX = 1.0


class DeviceDataset:
    """Patches and their labels, on the device where they fit there."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        *,
        device: torch.device,
        channels_last: bool,
        augment: Augment,
        seed: int,
    ) -> None:
        """Take the patches; on the CPU without a copy.

        Args:
            images: uint8 of shape (N, H, W, 3); may be mapped from disk.
            labels: int64 of shape (N,).
            device: Where batches are wanted.
            channels_last: Whether batches lie in memory channels last.
            augment: How patches are changed, see `ClassifierSettings.augment`.
            seed: Decides the changes.
        """
        self._images: NDArray[np.uint8] | Tensor = images
        if device.type == "cuda" and images.nbytes < _SHARE_OF_FREE * torch.cuda.mem_get_info(device)[0]:
            self._images = torch.from_numpy(np.array(images)).to(device)
        self._labels = torch.from_numpy(np.array(labels))
        self._device = device
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._augment = augment
        self._seed = seed

    def batch(self, rows: NDArray[np.int64], step: int) -> tuple[Tensor, Tensor]:
        """Return the patches of one optimiser step.

        Args:
            rows: Which, int64 of shape (N,).
            step: Number of the step, from 0; with the seed it decides the changes.

        Returns:
            Images, float32 (N, 3, H, W) in [-1, 1], and labels, int64 (N,), on the device.
        """
        if isinstance(self._images, Tensor):
            pixels = self._images[torch.from_numpy(rows).to(self._device)]
        else:
            pixels = torch.from_numpy(self._images[rows]).to(self._device)
        pixels = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) -> (N, 3, H, W), channels last in memory
        images = self._changed(pixels, step) if self._augment != "none" else normalised(pixels)
        labels = self._labels[torch.from_numpy(rows)].to(self._device)
        return images.contiguous(memory_format=self._layout), labels

    def _changed(self, pixels: Tensor, step: int) -> Tensor:
        """Change patches; on every device by the same draws."""
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
