"""Predictions of a classifier, independent of the size of the set."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pathgen.core.labels import LABELS

# Matrix kernels sum in an order that depends on the batch shape. With one fixed shape, padded at the end, the
# score of a patch is the same in a set of ten and in a set of ten thousand.
_BLOCK = 128


def normalised(pixels: Tensor) -> Tensor:
    """Return pixels as the input of a network: scaled to [0, 1], mean 0.5 and standard deviation 0.5.

    Args:
        pixels: Patches, uint8 (N, 3, H, W), on any device.

    Returns:
        float32 of the same shape and memory format, in [-1, 1].
    """
    return pixels.float().div_(127.5).sub_(1.0)


def log_probabilities(model: nn.Module, images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return the log-probabilities of patches, computed in float32 and evaluation mode.

    Args:
        model: Classifier on `device`; its mode is restored.
        images: Patches, uint8 (N, H, W, 3).
        device: Device of the computation.

    Returns:
        Natural log_probs of P(normal) and P(tumor), float64 (N, 2) on the CPU.
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
    """Return the probability of tumor of each patch.

    Args:
        model: Classifier; it is moved to `device`.
        images: Patches, uint8 (N, H, W, 3).
        device: Device of the computation.

    Returns:
        P(tumor), float64 (N,), in [0, 1].
    """
    log_probs = log_probabilities(model.to(device), images, device)
    scores: NDArray[np.float64] = log_probs[:, LABELS.index("tumor")].exp().numpy()
    return scores
