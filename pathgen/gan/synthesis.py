"""Draw synthetic patches: each depends on the checkpoint, the seed and its number alone."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.gan.classes import Given
from pathgen.seeding import torch_generator

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
    levels = ((images.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
    pictures: NDArray[np.uint8] = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()  # (N, H, W, 3)
    return pictures


def synthesise(
    generator: nn.Module,
    *,
    seed: int,
    count: int,
    batch_size: int,
    device: torch.device,
    draw: Drawer = plainly,
) -> Iterator[NDArray[np.uint8]]:
    """Draw patches number 0, 1, ... of a seed.

    Args:
        generator: Latents (N, latent_dim) to images in [-1, 1], with the attribute ``latent_dim``; put into
            eval mode, so that BatchNorm uses the statistics of the training and no patch depends on its
            neighbours.
        seed: Of the latents.
        count: How many in all. The first n are the same for every `count` of at least n.
        batch_size: Patches handed over at a time; for memory only, the pixels do not depend on it.
        device: Where to compute.
        draw: How one block of latents becomes images.

    Yields:
        uint8 (n, H, W, 3), n = `batch_size` but for the last.
    """
    generator.to(device).eval()
    ready: list[NDArray[np.uint8]] = []
    for block in range(-(-count // BLOCK)):
        ready.append(_block(generator, seed, block, device, draw)[: count - block * BLOCK])
        if (block + 1) * BLOCK >= count or sum(map(len, ready)) >= batch_size:
            patches = np.concatenate(ready)
            whole = len(patches) if (block + 1) * BLOCK >= count else len(patches) // batch_size * batch_size
            for first in range(0, whole, batch_size):
                yield patches[first : min(first + batch_size, whole)]
            ready = [patches[whole:]]


@torch.no_grad()
def _block(
    generator: nn.Module, seed: int, block: int, device: torch.device, draw: Drawer
) -> NDArray[np.uint8]:
    latent_dim = int(generator.latent_dim)  # type: ignore[arg-type]
    latents = torch.randn(BLOCK, latent_dim, generator=torch_generator(seed, "latents", block))
    rng = torch_generator(seed, "noise-maps", block, device=device)
    return to_uint8(draw(generator, latents.to(device), rng))
