"""Networks of a DP-DCGAN: the discriminator judges each image on its own, in training too."""

import itertools

import torch
from torch import nn

from pathgen.gan.generators import dcgan
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings

# Channels per group of GroupNorm.
_GROUP = 4


class PrivateDiscriminator(nn.Module):
    """DCGAN's discriminator with GroupNorm in place of BatchNorm.

    BatchNorm mixes the images of a batch, so that a gradient would depend on several originals.

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
            Logits (N,); above 0 means "real".
        """
        logits: torch.Tensor = self.layers(images)  # (N, 1, 1, 1)
        return logits.flatten()


def build_generator(settings: DpDcganSettings, image_size: int) -> dcgan.DcganGenerator:
    """Build DCGAN's generator, which sees no original."""
    return dcgan.DcganGenerator(image_size, settings.width, settings.latent_dim)


def build_discriminator(settings: DpDcganSettings, image_size: int) -> PrivateDiscriminator:
    """Build the discriminator (see `Generator.build_discriminator`)."""
    return PrivateDiscriminator(image_size, settings.discriminator_width)
