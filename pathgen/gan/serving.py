"""Load a trained generator behind a plain ``predict``, as MLflow's Python models are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.gan.sampling import LoadedGenerator, load_generator


class ServedGenerator:
    """A generator that takes seeds and counts, and gives patches."""

    def __init__(self, generator: LoadedGenerator) -> None:
        self._generator = generator

    def predict(self, wanted: pd.DataFrame) -> NDArray[np.uint8]:
        """Draw patches as `LoadedGenerator.sample` does, all that was learned.

        Args:
            wanted: Integer columns ``seed`` and ``count``; one row or several.

        Returns:
            The patches of all rows, one row after the other: uint8 of shape (N, H, W, 3), RGB.
        """
        rows = zip(wanted["seed"].tolist(), wanted["count"].tolist(), strict=True)
        return np.concatenate([self._generator.sample(count, seed=seed) for seed, count in rows])


def _load_pyfunc(path: str) -> ServedGenerator:
    """Load the model folder at `path`; the name and signature that MLflow calls."""
    return ServedGenerator(load_generator(path))
