"""How patches are drawn from a trained StyleGAN2: truncation, and what noise its layers get."""

import torch
from torch import nn

from pathgen.core.errors import PathgenError
from pathgen.gan.conditioning import Given
from pathgen.gan.synthesis import Drawer

_NOISES = ("random", "fixed", "none")


def drawer(*, truncation_psi: float = 1.0, noise: str = "random") -> Drawer:
    """Return how a block of latents becomes images.

    Args:
        truncation_psi: 1 leaves w as it is, 0 draws the mean image.
        noise: ``random``: anew for each image; ``fixed``: what is stored with the weights; ``none``.

    Raises:
        PathgenError: `noise` is none of these.
    """
    if noise not in _NOISES:
        raise PathgenError("noise", f"is {noise!r}", f"Choose one of {', '.join(_NOISES)}")

    def draw(
        generator: nn.Module, latents: torch.Tensor, rng: torch.Generator, given: Given | None = None
    ) -> torch.Tensor:
        maps: list[torch.Tensor] | None = None
        if noise == "random":
            maps = generator.noise(len(latents), rng)  # type: ignore[operator]
        elif noise == "none":
            maps = [torch.zeros_like(one) for one in generator.noise(1, rng)]  # type: ignore[operator]
        images: torch.Tensor = generator(latents, maps, truncation_psi, given)
        return images

    return draw
