"""The generators one can choose by name. A new one: a file with its networks, and one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from pathgen.gan import dcgan


@dataclass(frozen=True)
class Architecture:
    """How to build the two networks of a generative adversarial pair.

    Attributes:
        generator: Called with ``image_size`` and the options of its settings, by keyword. The module maps
            latents (N, latent_dim) to images (N, 3, H, W) in [-1, 1] and has the attribute ``latent_dim``.
        discriminator: Called with the same. The module maps images to logits (N,).
        initialise: Draws the weights of either from a seed.
    """

    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]
    initialise: Callable[[nn.Module, int], None]


GENERATORS: dict[str, Architecture] = {
    "dcgan": Architecture(dcgan.build_generator, dcgan.build_discriminator, dcgan.initialise),
}
