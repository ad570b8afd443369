"""The discriminator of a private DCGAN: it judges each image by itself, in training too."""

import itertools

import torch
from torch import nn

from pathgen.gan.generators import dcgan

# Channels that one group of GroupNorm holds.
_GROUP = 4


class PrivateDiscriminator(nn.Module):
    """Images to logits, as DCGAN's, with GroupNorm where that has BatchNorm.

    BatchNorm mixes the images of a batch: no gradient would be that of one original.

    Source: Wu and He 2018 (arXiv 1803.08494) for GroupNorm.
    """

    def __init__(self, image_size: int, width: int) -> None:
        super().__init__()
        channels = [width << stage for stage in range(dcgan.doublings(image_size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False)]
            layers += [nn.GroupNorm(max(after // _GROUP, 1), after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, 1, 0, bias=False))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Judge images.

        Args:
            images: (N, 3, image_size, image_size) in [-1, 1].

        Returns:
            (N,) logits; above 0 means "real".
        """
        logits: torch.Tensor = self.layers(images)  # (N, 1, 1, 1)
        return logits.flatten()


def build_generator(
    *, image_size: int, width: int, latent_dim: int, discriminator_width: int
) -> dcgan.DcganGenerator:
    """Build DCGAN's generator: it sees no original, so nothing of it changes.

    Args:
        image_size: Side in px, a power of two from 8.
        width: Channels before its last layer.
        latent_dim: Length of a latent vector.
        discriminator_width: Not used.
    """
    return dcgan.build_generator(image_size=image_size, width=width, latent_dim=latent_dim)


def build_discriminator(
    *, image_size: int, width: int, latent_dim: int, discriminator_width: int
) -> PrivateDiscriminator:
    """Build the discriminator.

    Args:
        image_size: Side in px, a power of two from 8.
        width: Not used.
        latent_dim: Not used: a discriminator sees images only.
        discriminator_width: Channels after its first layer; a multiple of 4. The noise grows with the number
            of weights, so fewer than the generator's serve better.
    """
    return PrivateDiscriminator(image_size, discriminator_width)
