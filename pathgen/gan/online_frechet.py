"""Frechet distance of generated from original patches during a training, and its floor."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.core.seeding import numpy_generator, torch_generator
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.interface import GeneratorSettings
from pathgen.metrics.features import SMALLEST_SIDE_PX
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.metrics.fidelity.frechet import frechet_distance

# Keys of a probe, in addition to those of `overfitting`; docs/metrics.md explains them.
FRECHET_KEYS = ("gan/frechet", "gan/frechet_floor")
# Maximum number of patches of each kind: twice as many would cost up to 4 % of a default training.
_MAX_PATCHES = 128


@dataclass(frozen=True)
class OnlineFrechet:
    """Frechet distance of samples of fixed latents from fixed original patches.

    Attributes:
        z: Latents to sample, (n, latent_dim).
        features: Features of n training patches, float64 (n, D).
        floor: Distance of n held-out patches from these training patches.
    """

    z: torch.Tensor
    features: NDArray[np.float64]
    floor: float

    @classmethod
    def of(
        cls, data: GanDataset, settings: GeneratorSettings, device: torch.device
    ) -> "OnlineFrechet | None":
        """Choose patches and latents, the same number of each, since the distance depends on it.

        Args:
            data: Patches of the training.
            settings: The recipe.
            device: Device of the training.

        Returns:
            None if there are too few patches, or they are too small.
        """
        count = min(_MAX_PATCHES, len(data.images), len(data.held_out))
        if count < 2 or data.images.shape[1] < SMALLEST_SIDE_PX:
            return None
        features, held_out = (
            texture_v1(
                images[numpy_generator(settings.seed, "likeness", role).permutation(len(images))[:count]]
            )
            for role, images in (("original", data.images), ("held-out", data.held_out))
        )
        rng = torch_generator(settings.seed, "likeness")
        z = torch.randn(count, settings.latent_dim, generator=rng).to(device)
        return cls(z, features, _distance(held_out, features))

    def measure(self, generated: NDArray[np.uint8]) -> dict[str, float]:
        """Return the value of each of `FRECHET_KEYS`.

        Args:
            generated: Samples of `z`, uint8 (n, H, H, 3).
        """
        return {
            "gan/frechet": _distance(texture_v1(generated), self.features),
            "gan/frechet_floor": self.floor,
        }


def _distance(features: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    # One thread, as in `measure_fidelity`: the same bytes on any number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return frechet_distance(features, others)
