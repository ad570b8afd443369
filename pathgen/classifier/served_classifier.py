"""Loader of a classifier for MLflow's pyfunc models."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.classifier.classifier_checkpoint import load_classifier
from pathgen.classifier.prediction import predict


class ServedClassifier:
    """Classifier with the interface of a pyfunc model."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of tumor of each patch.

        Args:
            images: Patches, RGB, uint8 (N, H, W, 3).

        Returns:
            P(tumor), float64 (N,), in [0, 1].
        """
        return predict(self._model, np.asarray(images, dtype=np.uint8), torch.device("cpu"))


def _load_pyfunc(path: str) -> ServedClassifier:
    """Load the checkpoint in the folder `path`; MLflow requires this name and signature."""
    return ServedClassifier(load_classifier(Path(path)))
