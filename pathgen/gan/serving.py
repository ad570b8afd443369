"""Load a trained generator behind a plain ``predict``, as MLflow's Python models are."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.gan.model import load_generator
from pathgen.gan.synthesis import to_uint8


class ServedGenerator:
    """A generator that takes latents and gives patches."""

    def __init__(self, generator: nn.Module) -> None:
        self._generator = generator

    def predict(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Generate one patch per latent vector.

        Args:
            latents: float32 of shape (N, latent_dim), standard normal.

        Returns:
            Patches, uint8 of shape (N, H, W, 3), RGB.
        """
        with torch.inference_mode():
            return to_uint8(self._generator(torch.from_numpy(np.asarray(latents, dtype=np.float32))))


def _load_pyfunc(path: str) -> ServedGenerator:
    """Load the model folder at `path`; the name and signature that MLflow calls."""
    return ServedGenerator(load_generator(Path(path)))
