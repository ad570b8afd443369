"""The originals that a step of a private training draws: each unit by a coin of its own.

That is the sampling whose guarantee the accountant knows; batches of a fixed size from a shuffled order are
not.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.seeding import torch_generator
from pathgen.gan.dataloader import sent
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe
from pathgen.gan.generators.dpdcgan.rng_seed import private_seed
from pathgen.training.augmentation import turned


class PoissonStream:
    """Draws units and their patches, at any step without the steps before."""

    def __init__(
        self,
        images: NDArray[np.uint8],
        *,
        recipe: PrivateRecipe,
        units: NDArray[np.int64] | None,
        device: torch.device,
    ) -> None:
        """Keep the originals on the device.

        Args:
            images: uint8 (N, H, H, 3).
            recipe: Of the training.
            units: (N,) number of the unit of each, from 0; None: each is one.
            device: Of the training.
        """
        numbers = np.arange(len(images)) if units is None else units
        sizes = np.bincount(numbers)
        assert len(sizes) == recipe.units, f"{len(sizes)} units, the recipe has {recipe.units}"
        # A copy: the patch set on disk is mapped read-only.
        self._images = torch.from_numpy(np.array(images)).to(device).permute(0, 3, 1, 2)  # (N, 3, H, W)
        by_unit = torch.from_numpy(np.argsort(numbers, kind="stable"))
        self._members = torch.split(by_unit, sizes.tolist())
        self._recipe = recipe
        self._seed = private_seed(recipe)

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step.

        Args:
            step: From 0.

        Returns:
            (U, patches_per_unit, 3, H, W), float32 in [-1, 1]; U differs from step to step, and may be 0.
        """
        rows = self.rows(step)
        batch = self._images[sent(rows.flatten(), self._images.device)]
        if self._recipe.augment == "d4":
            generator = torch_generator(self._seed, "augment", step)
            coins = torch.rand(3, len(batch), generator=generator) < 0.5
            batch = turned(batch, sent(coins, batch.device))
        shown = batch.to(torch.float32) / 127.5 - 1.0
        return shown.reshape(*rows.shape, *shown.shape[1:])

    def rows(self, step: int) -> torch.Tensor:
        """Return which images a step shows: (U, patches_per_unit) int64 on the CPU.

        A unit with fewer patches shows some of them twice.
        """
        generator = torch_generator(self._seed, "draw", step)
        coins = torch.rand(len(self._members), generator=generator, dtype=torch.float64)
        wanted = self._recipe.patches_per_unit
        rows = [
            members[torch.randperm(len(members), generator=generator)].repeat(-(-wanted // len(members)))
            for members in (self._members[unit] for unit in (coins < self._recipe.sample_rate).nonzero())
        ]
        return torch.cat([own[:wanted] for own in rows] or [torch.empty(0, dtype=torch.int64)]).view(
            -1, wanted
        )
