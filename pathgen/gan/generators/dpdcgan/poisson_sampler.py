"""Poisson sampling of the originals: in each step each privacy unit is sampled independently.

The accountant's guarantee is that of Poisson sampling, not that of fixed-size batches from a shuffled order.
"""

import numpy as np
import torch

from pathgen.core.seeding import torch_generator
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.dpdcgan.privacy_unit import privacy_unit_ids, warn_about_patients
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings, private_seed
from pathgen.gan.shuffled_loader import augmented_batch, resident_images


class PoissonLoader:
    """Batches of Poisson-sampled units, readable at any step without the steps before."""

    def __init__(self, data: GanDataset, settings: DpDcganSettings, device: torch.device) -> None:
        """Copy the patches to the device.

        Args:
            data: Patches of the training.
            settings: The recipe.
            device: Device of the training.

        Raises:
            PathgenError: See `privacy_unit_ids` and `private_seed`.
        """
        ids = privacy_unit_ids(data, settings.unit)
        warn_about_patients(data, settings.unit)
        sizes = np.bincount(ids)
        by_unit = torch.from_numpy(np.argsort(ids, kind="stable"))
        self._members = torch.split(by_unit, sizes.tolist())
        self._images = resident_images(data, device)
        self._settings = settings
        self._sample_rate = settings.sample_rate(len(sizes))
        self._seed = private_seed(settings)

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step.

        Args:
            step: Number of the step, from 0.

        Returns:
            float32 (U, patches_per_unit, 3, H, W) in [-1, 1]; U differs between steps, and may be 0.
        """
        rows = self.rows(step)
        images = augmented_batch(self._images, rows.flatten(), self._settings.augment, self._seed, step)
        return images.reshape(*rows.shape, *images.shape[1:])

    def rows(self, step: int) -> torch.Tensor:
        """Return the indices of the images of one step, int64 (U, patches_per_unit) on the CPU.

        Patches of a unit with fewer than `patches_per_unit` are repeated.
        """
        generator = torch_generator(self._seed, "draw", step)
        coins = torch.rand(len(self._members), generator=generator, dtype=torch.float64)
        wanted = self._settings.patches_per_unit
        rows = [
            members[torch.randperm(len(members), generator=generator)].repeat(-(-wanted // len(members)))
            for members in (self._members[unit] for unit in (coins < self._sample_rate).nonzero())
        ]
        return torch.cat([own[:wanted] for own in rows] or [torch.empty(0, dtype=torch.int64)]).view(
            -1, wanted
        )
