"""Sampling of synthetic patches: each depends only on the checkpoint, the seed and its number."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.generators.interface import FP32, Precision, Sampler, sample_plain

# Number of latents that a network sees at a time, always: another batch size would round differently.
BLOCK = 64
# Number of patches that the discriminator scores at a time.
_SCORED = 256


def to_uint8(images: torch.Tensor) -> NDArray[np.uint8]:
    """Convert images of a network to pixels.

    Args:
        images: (N, 3, H, W), float, [-1, 1].

    Returns:
        uint8 (N, H, W, 3), C order.
    """
    levels = (images.float() + 1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    pixels: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()  # (N, H, W, 3)
    return pixels


def synthesise(
    generator: Any,
    *,
    seed: int,
    count: int,
    device: torch.device,
    sampler: Sampler = sample_plain,
    discriminator: nn.Module | None = None,
    best_of: int = 1,
    precision: Precision = FP32,
    first: int = 0,
) -> Iterator[NDArray[np.uint8]]:
    """Sample patches number `first` to `count` - 1 of a seed.

    Args:
        generator: Latents (N, latent_dim) to images in [-1, 1], with an attribute ``latent_dim``. Set to eval
            mode, so that no patch depends on the others.
        seed: Seed of the latents.
        count: Number after the last patch. The first n patches are the same for every `count` of at least n.
        device: Device of the sampling.
        sampler: Maps one block of latents to images.
        discriminator: Discriminator in eval mode, which chooses the candidate of the highest logit.
        best_of: Number of candidates per patch; the first is the patch without a choice.
        precision: Arithmetic; channels_last is used with bf16 only.
        first: Number of the first patch; a multiple of `BLOCK`.

    Yields:
        uint8 (n, H, W, 3), n = `BLOCK` except for the last.
    """
    assert first % BLOCK == 0, first
    assert discriminator is not None or best_of == 1, best_of
    generator.to(device).eval()
    if precision.bf16 and precision.channels_last:
        generator.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def sample(*which: str | int) -> NDArray[np.uint8]:
        """Sample one candidate for each patch of a block."""
        z = torch.randn(BLOCK, int(generator.latent_dim), generator=torch_generator(seed, "latents", *which))
        rng = torch_generator(seed, "noise-maps", *which, device=device)
        with precision.autocast(device):
            return to_uint8(sampler(generator, z.to(device), rng))

    for block in range(first // BLOCK, -(-count // BLOCK)):
        patches = sample(block)
        if discriminator is not None:
            scores = discriminator_scores(discriminator, patches, device)
            for number in range(1, best_of):
                others = sample(block, "candidate", number)
                scores_of_others = discriminator_scores(discriminator, others, device)
                better = scores_of_others > scores
                patches[better], scores[better] = others[better], scores_of_others[better]
        yield patches[: count - block * BLOCK]


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
        for start in range(0, len(images), _SCORED):
            batch = torch.from_numpy(np.array(images[start : start + _SCORED])).to(device)
            logits = discriminator(batch.permute(0, 3, 1, 2).float() / 127.5 - 1.0)  # (N, 3, H, W) -> (N,)
            scores.append(logits.double().cpu().numpy())
    return np.concatenate(scores)
