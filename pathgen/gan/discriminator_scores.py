"""Logits of a discriminator, for rejection sampling and for the privacy audit."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

_BATCH = 256


def discriminator_scores(
    discriminator: nn.Module, images: NDArray[np.uint8], device: torch.device
) -> NDArray[np.float64]:
    """Return the logit of each patch.

    Args:
        discriminator: Discriminator in eval mode; images (N, 3, H, W) in [-1, 1] to logits (N,).
        images: uint8 (N, H, W, 3).
        device: Device of the computation.

    Returns:
        Logits, float64 (N,); higher means more like an original.
    """
    discriminator.to(device)
    scores = [np.empty(0, dtype=np.float64)]
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(np.array(images[start : start + _BATCH])).to(device)
            logits = discriminator(batch.permute(0, 3, 1, 2).float() / 127.5 - 1.0)  # (N, 3, H, W) -> (N,)
            scores.append(logits.double().cpu().numpy())
    return np.concatenate(scores)
