"""Draw synthetic patches: each depends on the checkpoint, the seed and its number alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import Given
from pathgen.gan.discriminator_scores import score

# The network always sees this many latents: another batch size would round otherwise.
BLOCK = 64


class Drawer(Protocol):
    """How one block of latents becomes images."""

    def __call__(
        self, generator: nn.Module, latents: torch.Tensor, rng: torch.Generator, given: Given | None = None
    ) -> torch.Tensor:
        """Draw.

        Args:
            generator: In eval mode.
            latents: (N, latent_dim).
            rng: Where any other draws of the block come from.
            given: Classes, where the generator knows any; None: the one it was built for.

        Returns:
            (N, 3, H, W), about [-1, 1].
        """


def plainly(
    generator: nn.Module, latents: torch.Tensor, rng: torch.Generator, given: Given | None = None
) -> torch.Tensor:
    """Draw from a generator that takes nothing but latents, and classes where it knows any."""
    images: torch.Tensor = generator(latents) if given is None else generator(latents, given)
    return images


def to_uint8(images: torch.Tensor) -> NDArray[np.uint8]:
    """Turn a network's images into pictures.

    Args:
        images: (N, 3, H, W), float, [-1, 1].

    Returns:
        uint8 (N, H, W, 3), C order.
    """
    levels = (images.float() + 1.0).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    pictures: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()  # (N, H, W, 3)
    return pictures


@dataclass(frozen=True)
class Choice:
    """Each patch is the one of several candidates that looks most like an original.

    Attributes:
        discriminator: In eval mode, see `score`. It has seen originals: what it chooses is to be marked.
        best_of: Candidates per patch, at least 2; the first is the patch as it is drawn without a choice.
    """

    discriminator: nn.Module
    best_of: int


@dataclass(frozen=True)
class Arithmetic:
    """What a generator computes with when it draws.

    Attributes:
        precision: ``fp32``, or ``bf16``: convolutions and products in bfloat16.
        channels_last: With bf16, keep images as (N, H, W, C) in memory. Without it counts for nothing: it
            would be a few per cent faster and move single pixels by one level.
    """

    precision: str = "fp32"
    channels_last: bool = False

    @property
    def bf16(self) -> bool:
        """Whether convolutions and products are in bfloat16."""
        return self.precision == "bf16"


PLAIN = Arithmetic()


def synthesise(
    generator: nn.Module,
    *,
    seed: int,
    count: int,
    batch_size: int,
    device: torch.device,
    draw: Drawer = plainly,
    choice: Choice | None = None,
    arithmetic: Arithmetic = PLAIN,
    first: int = 0,
) -> Iterator[NDArray[np.uint8]]:
    """Draw patches number `first`, `first` + 1, ... of a seed.

    Args:
        generator: Latents (N, latent_dim) to images in [-1, 1], with the attribute ``latent_dim``; put into
            eval mode, so that BatchNorm uses the statistics of the training and no patch depends on its
            neighbours.
        seed: Of the latents.
        count: The number after the last; how many in all, where `first` is 0. The first n are the same for
            every `count` of at least n.
        batch_size: Patches handed over at a time; for memory only, the pixels do not depend on it.
        device: Where to compute.
        draw: How one block of latents becomes images.
        choice: How each patch is chosen among candidates of its own; None: there is one.
        arithmetic: What to compute with.
        first: Number of the first patch; a multiple of `BLOCK`.

    Yields:
        uint8 (n, H, W, 3), n = `batch_size` but for the last.
    """
    assert first % BLOCK == 0, first
    generator.to(device).eval()
    if arithmetic.bf16 and arithmetic.channels_last:
        generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ready: list[NDArray[np.uint8]] = []
    for block in range(first // BLOCK, -(-count // BLOCK)):
        drawn = _block(generator, seed, block, device, draw, choice, arithmetic)
        ready.append(drawn[: count - block * BLOCK])
        if (block + 1) * BLOCK >= count or sum(map(len, ready)) >= batch_size:
            patches = np.concatenate(ready) if len(ready) > 1 else ready[0]
            whole = len(patches) if (block + 1) * BLOCK >= count else len(patches) // batch_size * batch_size
            for start in range(0, whole, batch_size):
                yield patches[start : min(start + batch_size, whole)]
            ready = [patches[whole:]]


def _block(
    generator: nn.Module,
    seed: int,
    block: int,
    device: torch.device,
    draw: Drawer,
    choice: Choice | None,
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    patches = _candidates(generator, seed, (block,), device, draw, arithmetic)
    if choice is None:
        return patches
    scores = score(choice.discriminator, patches, device)
    for number in range(1, choice.best_of):
        others = _candidates(generator, seed, (block, "candidate", number), device, draw, arithmetic)
        scores_of_others = score(choice.discriminator, others, device)
        better = scores_of_others > scores
        patches[better], scores[better] = others[better], scores_of_others[better]
    return patches


@torch.inference_mode()
def _candidates(
    generator: nn.Module,
    seed: int,
    which: tuple[str | int, ...],
    device: torch.device,
    draw: Drawer,
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    """Draw one candidate for each patch of a block."""
    latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]
    latents = torch.randn(BLOCK, latent_dim, generator=torch_generator(seed, "latents", *which))
    rng = torch_generator(seed, "noise-maps", *which, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=arithmetic.bf16):
        return to_uint8(draw(generator, latents.to(device), rng))
