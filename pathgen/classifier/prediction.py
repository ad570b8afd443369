"""Scores of a classifier that do not depend on how many patches are scored together."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pathgen.core.labels import LABELS, label_index

# Matrix kernels add in another order for other batch shapes. One fixed shape, padded at the end, makes a
# patch's score the same in a set of ten and in a set of ten thousand.
_BLOCK = 128


def normalised(pixels: Tensor) -> Tensor:
    """Turn bytes into a network's input: mean 0.5 and standard deviation 0.5 on a scale of 0 to 1.

    Args:
        pixels: uint8 of shape (N, 3, H, W), on any device.

    Returns:
        float32 of the same shape and order in memory, in [-1, 1].
    """
    return pixels.float().div_(127.5).sub_(1.0)


def log_probabilities(model: nn.Module, images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Run a classifier over patches in float32 and evaluation mode.

    Args:
        model: The classifier, on `device`; its mode is put back afterwards.
        images: uint8 of shape (N, H, W, 3).
        device: Where to compute.

    Returns:
        float64 of shape (N, 2) on the CPU: natural logarithm of P(normal), P(tumor).
    """
    was_training = model.training
    model.eval()
    results = [torch.empty((0, len(LABELS)), dtype=torch.float64)]
    with torch.inference_mode():
        for start in range(0, len(images), _BLOCK):
            block = images[start : start + _BLOCK]
            missing = _BLOCK - len(block)
            padded = np.pad(block, ((0, missing), (0, 0), (0, 0), (0, 0)))
            pixels = torch.from_numpy(padded).to(device).permute(0, 3, 1, 2)  # -> (N, 3, H, W), channels last
            results.append(model(normalised(pixels))[: len(block)].double().cpu())
    model.train(was_training)
    return torch.cat(results)


def predict(model: nn.Module, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float64]:
    """Return each patch's probability of tumor.

    Args:
        model: The classifier.
        images: uint8 of shape (N, H, W, 3).
        device: Where to compute; the model is moved there.

    Returns:
        P(tumor), float64 of shape (N,), in [0, 1].
    """
    logarithms = log_probabilities(model.to(device), images, device)
    scores: NDArray[np.float64] = logarithms[:, label_index("tumor")].exp().numpy()
    return scores


def predictions_frame(index: pd.DataFrame, scores: NDArray[np.float64], threshold: float) -> pd.DataFrame:
    """Put the scores beside the patches they belong to.

    Args:
        index: One row per patch with the columns ``slide``, ``item``, ``label``.
        scores: P(tumor), float64 of shape (N,), in the same order.
        threshold: Patches that score at least this are called tumor, in [0, 1].

    Returns:
        Columns slide, item, label (normal or tumor), score, predicted (normal or tumor); same order.
    """
    assert len(index) == len(scores), (len(index), len(scores))
    frame = index[["slide", "item", "label"]].reset_index(drop=True)
    predicted = np.where(scores >= threshold, "tumor", "normal").astype(object)
    return frame.assign(score=scores, predicted=predicted)
