"""Load a trained classifier behind a plain ``predict``, as MLflow's Python models are."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.classifier.checkpoint import load_classifier
from pathgen.classifier.prediction import predict


class ServedClassifier:
    """A classifier that takes patches and gives probabilities of tumor."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return each patch's probability of tumor.

        Args:
            images: uint8 of shape (N, H, W, 3), RGB.

        Returns:
            float64 of shape (N,), in [0, 1].
        """
        return predict(self._model, np.asarray(images, dtype=np.uint8), torch.device("cpu"))


def _load_pyfunc(path: str) -> ServedClassifier:
    """Load the model folder at `path`; the name and signature that MLflow calls."""
    return ServedClassifier(load_classifier(Path(path)))
