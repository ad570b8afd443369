"""What a discriminator makes of given patches, for the choice among candidates and for the privacy audit."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_BATCH = 256


def score(discriminator: nn.Module, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float64]:
    """Return how original each patch looks to a discriminator.

    Args:
        discriminator: In eval mode; images (N, 3, H, W) in [-1, 1] to logits (N,).
        images: uint8 of shape (N, H, W, 3).
        device: Where to compute.

    Returns:
        Logits, float64 of shape (N,); higher means more like an original.
    """
    discriminator.to(device)
    scores = [np.empty(0, dtype=np.float64)]
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(np.array(images[start : start + _BATCH])).to(device)
            logits = discriminator(batch.permute(0, 3, 1, 2).float() / 127.5 - 1.0)  # (N, 3, H, W) -> (N,)
            scores.append(logits.double().cpu().numpy())
    return np.concatenate(scores)
