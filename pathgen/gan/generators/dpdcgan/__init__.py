"""DCGAN with a discriminator that is trained by DP-SGD."""

import itertools

import torch
from torch import nn

from pathgen.gan.generators.dcgan import DcganGenerator, doublings, init_weights
from pathgen.gan.generators.dpdcgan.accounting import RdpAccountant
from pathgen.gan.generators.dpdcgan.dp_trainer import DpTrainer
from pathgen.gan.generators.dpdcgan.poisson_sampler import PoissonLoader
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings
from pathgen.gan.generators.interface import Generator

# Channels per group of GroupNorm.
_GROUP = 4


class PrivateDiscriminator(nn.Module):
    """DCGAN's discriminator with GroupNorm in place of BatchNorm.

    BatchNorm mixes the images of a batch, so that a gradient would depend on several originals.

    Source: Wu and He 2018 (arXiv 1803.08494) for GroupNorm.
    """

    def __init__(self, settings: DpDcganSettings, image_size: int) -> None:
        super().__init__()
        width = settings.discriminator_width
        channels = [width << stage for stage in range(doublings(image_size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False)]
            layers += [nn.GroupNorm(max(after // _GROUP, 1), after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, 1, 0, bias=False))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map images (N, 3, image_size, image_size) to logits (N,); above 0 means "real"."""
        logits: torch.Tensor = self.layers(images)  # (N, 1, 1, 1)
        return logits.flatten()


GENERATOR = Generator(
    settings=DpDcganSettings,
    build_generator=DcganGenerator,
    build_discriminator=PrivateDiscriminator,
    init_weights=init_weights,
    trainer=DpTrainer,
    loader=PoissonLoader,
    description="DCGAN with differential privacy (DP-SGD)",
    accountant=RdpAccountant,
    metrics={
        "gan/epsilon": "privacy loss so far",
        "gan/contributions": "number of sampled units",
        "gan/clipped_share": "share of sampled units whose gradient was clipped",
    },
)
