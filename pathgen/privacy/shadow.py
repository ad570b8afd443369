"""A shadow discriminator: what one learns from the synthetic set and other originals, without a model."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import numpy_generator, torch_generator

_BATCH = 16
_WIDTH = 8
_LEARNING_RATE = 1e-3
_AT_A_TIME = 256


def _network(side: int, generator: torch.Generator) -> nn.Sequential:
    """Four convolutions, halving the side while it is even and above 4."""
    layers: list[nn.Module] = []
    channels, width = 3, _WIDTH
    for _ in range(4):
        stride = 2 if side % 2 == 0 and side > 4 else 1
        layers += [nn.Conv2d(channels, width, 3, stride, 1), nn.LeakyReLU(0.2)]
        channels, width, side = width, width * 2, side // stride
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1))
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, 0.2, generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return network


def _batch(images: NDArray[np.uint8], device: str) -> torch.Tensor:
    values = torch.from_numpy(np.array(images)).to(device)
    return values.permute(0, 3, 1, 2).float() / 127.5 - 1.0  # (N, 3, S, S)


def shadow_scores(
    synthetic: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    judged: NDArray[np.uint8],
    *,
    steps: int,
    seed: int,
    purpose: str,
    device: str,
) -> NDArray[np.float64]:
    """Train a discriminator to tell the synthetic set from reference patches; score patches by it.

    Args:
        synthetic: The synthetic patches, uint8 (Q, S, S, 3).
        reference: Originals that nobody learnt from, uint8 (R, S, S, 3).
        judged: Patches to score, uint8 (P, S, S, 3).
        steps: Optimiser steps.
        seed: Of weights and batches.
        purpose: Tells this draw from others.
        device: Torch device.

    Returns:
        Logits, (P,); higher means more like the synthetic set than like the reference: "member".

    Source:
        LOGAN, black box (Hayes et al. 2019, section 4.3). Departure: there a whole GAN is trained on the
        synthetic set; here its discriminator alone, against originals, so that what it learns is how the
        synthetic set differs from fresh originals, not from a second generator.
    """
    network = _network(synthetic.shape[1], torch_generator(seed, "privacy", "shadow weights", purpose))
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), _LEARNING_RATE)
    rng = numpy_generator(seed, "privacy", "shadow batches", purpose)
    loss_of = nn.BCEWithLogitsLoss()
    wanted = torch.cat([torch.ones(_BATCH), torch.zeros(_BATCH)]).to(device)
    for _ in range(steps):
        ours = synthetic[rng.integers(0, len(synthetic), _BATCH)]
        theirs = reference[rng.integers(0, len(reference), _BATCH)]
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(network(_batch(np.concatenate([ours, theirs]), device))[:, 0], wanted)
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        chunks = (judged[start : start + _AT_A_TIME] for start in range(0, len(judged), _AT_A_TIME))
        scores = [network(_batch(chunk, device))[:, 0].double().cpu().numpy() for chunk in chunks]
    return np.concatenate(scores)
