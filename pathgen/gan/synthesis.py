"""Sampling of synthetic patches: each depends only on the checkpoint, the seed and its number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.generators.base import FP32, Precision, Sampler, sample_plain

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


@dataclass(frozen=True)
class RejectionSampling:
    """Best of n: each patch is the candidate with the highest logit.

    Attributes:
        discriminator: Discriminator in eval mode.
        best_of: Number of candidates per patch, at least 2; the first is the patch without a choice.
    """

    discriminator: nn.Module
    best_of: int


def synthesise(
    generator: nn.Module,
    *,
    seed: int,
    count: int,
    batch_size: int,
    device: torch.device,
    sampler: Sampler = sample_plain,
    rejection: RejectionSampling | None = None,
    precision: Precision = FP32,
    first: int = 0,
) -> Iterator[NDArray[np.uint8]]:
    """Sample patches number `first` to `count` - 1 of a seed.

    Args:
        generator: Latents (N, latent_dim) to images in [-1, 1], with an attribute ``latent_dim``. Set to eval
            mode, so that no patch depends on the others.
        seed: Seed of the latents.
        count: Number after the last patch. The first n patches are the same for every `count` of at least n.
        batch_size: Number of patches per batch; changes no pixel.
        device: Device of the sampling.
        sampler: Maps one block of latents to images.
        rejection: Choice among candidates; None: one candidate.
        precision: Arithmetic; channels_last is used with bf16 only.
        first: Number of the first patch; a multiple of `BLOCK`.

    Yields:
        uint8 (n, H, W, 3), n = `batch_size` except for the last.
    """
    assert first % BLOCK == 0, first
    generator.to(device).eval()
    if precision.bf16 and precision.channels_last:
        generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    sample = partial(_candidates, generator, seed, device, sampler, precision)
    ready: list[NDArray[np.uint8]] = []
    for block in range(first // BLOCK, -(-count // BLOCK)):
        samples = sample(block) if rejection is None else _best(sample, block, rejection, device)
        ready.append(samples[: count - block * BLOCK])
        is_last = (block + 1) * BLOCK >= count
        if is_last or sum(map(len, ready)) >= batch_size:
            patches = np.concatenate(ready) if len(ready) > 1 else ready[0]
            stop = len(patches) if is_last else len(patches) // batch_size * batch_size
            for start in range(0, stop, batch_size):
                yield patches[start : min(start + batch_size, stop)]
            ready = [patches[stop:]]


def _best(
    sample: Callable[..., NDArray[np.uint8]], block: int, rejection: RejectionSampling, device: torch.device
) -> NDArray[np.uint8]:
    """Return the candidate of each patch of a block that the discriminator prefers."""
    patches = sample(block)
    scores = discriminator_scores(rejection.discriminator, patches, device)
    for number in range(1, rejection.best_of):
        others = sample(block, "candidate", number)
        scores_of_others = discriminator_scores(rejection.discriminator, others, device)
        better = scores_of_others > scores
        patches[better], scores[better] = others[better], scores_of_others[better]
    return patches


@torch.inference_mode()
def _candidates(
    generator: nn.Module,
    seed: int,
    device: torch.device,
    sampler: Sampler,
    precision: Precision,
    *which: str | int,
) -> NDArray[np.uint8]:
    """Sample one candidate for each patch of a block."""
    latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]
    z = torch.randn(BLOCK, latent_dim, generator=torch_generator(seed, "latents", *which))
    rng = torch_generator(seed, "noise-maps", *which, device=device)
    with precision.autocast(device):
        return to_uint8(sampler(generator, z.to(device), rng))


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
