"""A trained generator as an MLflow pyfunc model."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.gan.loaded_generator import LoadedGenerator, load_generator


class ServedGenerator:
    """A generator whose ``predict`` takes seeds and counts and returns patches."""

    def __init__(self, generator: LoadedGenerator) -> None:
        """Wrap a loaded generator."""
        self._generator = generator

    def predict(self, wanted: pd.DataFrame) -> NDArray[np.uint8]:
        """Sample patches as `LoadedGenerator.sample` does, without truncation.

        Args:
            wanted: Integer columns ``seed`` and ``count``; one row or several.

        Returns:
            Patches of all rows, one row after the other, uint8 (N, H, W, 3), RGB.
        """
        rows = zip(wanted["seed"].tolist(), wanted["count"].tolist(), strict=True)
        return np.concatenate([self._generator.sample(count, seed=seed) for seed, count in rows])


def _load_pyfunc(path: str) -> ServedGenerator:
    """Load the model folder at `path`; MLflow calls this name and signature."""
    return ServedGenerator(load_generator(path))
