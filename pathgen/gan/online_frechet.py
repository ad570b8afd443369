"""How alike generated and original patches are while a generator trains: a cheap distance, and its floor."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.core.seeding import numpy_generator, torch_generator
from pathgen.metrics.features import SMALLEST_SIDE_PX
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.metrics.fidelity.frechet import frechet_distance

# Columns of a look, beside those of `overfitting`; docs/metrics.md explains each.
FRECHET_KEYS = ("gan/frechet", "gan/frechet_floor")
# Patches of each kind at most: twice as many would cost up to 4 % of a training of the default study.
_PATCHES = 128


@dataclass(frozen=True)
class OnlineFrechet:
    """Compares what a generator makes of the same latents with the same originals.

    Attributes:
        latents: (n, latent_dim), those to draw.
        features: float64 (n, D), of n originals.
        floor: Distance of n held-out patches from these originals.
    """

    latents: torch.Tensor
    features: NDArray[np.float64]
    floor: float

    @classmethod
    def of(
        cls,
        originals: NDArray[np.uint8],
        held_out: NDArray[np.uint8],
        *,
        latent_dim: int,
        seed: int,
        device: torch.device,
    ) -> "OnlineFrechet | None":
        """Choose patches and latents; the same number of each, since the distance depends on it.

        Args:
            originals: uint8 (N, H, H, 3), those that are trained on.
            held_out: The same of patches that are not.
            latent_dim: Length of a latent vector.
            seed: Of the choice.
            device: Of the training.

        Returns:
            None where there are too few patches, or they are too small, for a distance.
        """
        count = min(_PATCHES, len(originals), len(held_out))
        if count < 2 or originals.shape[1] < SMALLEST_SIDE_PX:
            return None
        chosen = (
            texture_v1(images[numpy_generator(seed, "likeness", role).permutation(len(images))[:count]])
            for role, images in (("original", originals), ("held-out", held_out))
        )
        features, others = chosen
        latents = torch.randn(count, latent_dim, generator=torch_generator(seed, "likeness"))
        return cls(latents.to(device), features, _distance(others, features))

    def look(self, generated: NDArray[np.uint8]) -> dict[str, float]:
        """Measure.

        Args:
            generated: uint8 (n, H, H, 3), drawn from `latents`.

        Returns:
            Each of `FRECHET_KEYS`.
        """
        return {
            "gan/frechet": _distance(texture_v1(generated), self.features),
            "gan/frechet_floor": self.floor,
        }


def _distance(features: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    # One thread, as in `measure_fidelity`: the same bytes on any number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return frechet_distance(features, others)
