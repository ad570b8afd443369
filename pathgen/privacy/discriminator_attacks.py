"""Attacks by a discriminator, which the verdict does not rest on: that of the generator, or a shadow one.

The shadow discriminator is trained on the synthetic set and other originals, without access to the generator.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import numpy_generator, torch_generator
from pathgen.privacy.membership_tests import TestResult, score_tests
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.neighbours import one_thread_each
from pathgen.privacy.settings import PrivacySettings

_BATCH = 16
_WIDTH = 8
_LEARNING_RATE = 1e-3
_SCORE_CHUNK = 256

Discriminator = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Maps RGB patches, uint8 (N, S, S, 3), to scores, (N,), higher for "original"."""


def _network(side: int, generator: torch.Generator) -> nn.Sequential:
    """Build four convolutions that halve the side while it is even and above 4."""
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
    candidates: NDArray[np.uint8],
    settings: PrivacySettings,
    *,
    purpose: str,
    device: str,
) -> NDArray[np.float64]:
    """Train a discriminator between synthetic and reference patches, and score candidates with it.

    Args:
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        reference: Originals that were not used for training, uint8 (R, S, S, 3).
        candidates: Patches to score, uint8 (P, S, S, 3).
        settings: Settings with the seed and the number of optimiser steps.
        purpose: Purpose of the random draws.
        device: Torch device.

    Returns:
        Logits, (P,); higher values are more similar to the synthetic set, that is, indicate members.

    Source:
        LOGAN, black box (Hayes et al. 2019, section 4.3). Departure: there, a whole GAN is trained on the
        synthetic set; here, only its discriminator, against originals, so that it learns how the synthetic
        set differs from unseen originals instead of from a second generator.
    """
    seed = settings.seed
    network = _network(synthetic.shape[1], torch_generator(seed, "privacy", "shadow weights", purpose))
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), _LEARNING_RATE)
    rng = numpy_generator(seed, "privacy", "shadow batches", purpose)
    loss_function = nn.BCEWithLogitsLoss()
    target = torch.cat([torch.ones(_BATCH), torch.zeros(_BATCH)]).to(device)
    for _ in range(settings.shadow_steps):
        fake = synthetic[rng.integers(0, len(synthetic), _BATCH)]
        real = reference[rng.integers(0, len(reference), _BATCH)]
        optimiser.zero_grad(set_to_none=True)
        loss = loss_function(network(_batch(np.concatenate([fake, real]), device))[:, 0], target)
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        chunks = (candidates[i : i + _SCORE_CHUNK] for i in range(0, len(candidates), _SCORE_CHUNK))
        scores = [network(_batch(chunk, device))[:, 0].double().cpu().numpy() for chunk in chunks]
    return np.concatenate(scores)


def discriminator_tests(pairs: ClassPairs, discriminator: Discriminator) -> dict[str, TestResult]:
    """Attack with the discriminator of the generator.

    The results, which begin with ``discriminator`` (see `score_tests`), show what a release of the
    DISCRIMINATOR would leak, even if the synthetic set leaks nothing.

    Source:
        LOGAN, white box: Hayes et al. 2019, section 4.
    """
    scores = [discriminator(images) for images in (pairs.pool.members, pairs.pool.nonmembers)]
    confidence = pairs.settings.confidence
    return score_tests("discriminator", np.concatenate(scores), pairs.pool.is_member, confidence=confidence)


def shadow_tests(pairs: ClassPairs) -> dict[str, TestResult]:
    """Attack with a discriminator trained on the synthetic set and, as a control, on copies.

    The results begin with ``shadow`` and ``shadow_on_copies``, see `score_tests`.
    """
    pool, settings = pairs.pool, pairs.settings
    candidates = np.concatenate([pool.members, pool.nonmembers])
    sets = {"shadow": pairs.synthetic, "shadow_on_copies": pairs.train}

    def scores(name: str) -> NDArray[np.float64]:
        return shadow_scores(
            sets[name],
            pairs.reference,
            candidates,
            settings,
            purpose=f"{pairs.label} {name}",
            device=pool.device,
        )

    results: dict[str, TestResult] = {}
    with one_thread_each() as workers:  # the layers are too small to be split between threads
        for name, of_name in zip(sets, workers.map(scores, sets), strict=True):
            results |= score_tests(name, of_name, pool.is_member, confidence=settings.confidence)
    return results
