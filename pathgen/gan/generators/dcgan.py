"""DCGAN: stacks of strided convolutions. Images: NCHW, float32, [-1, 1]."""

import itertools
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.adversarial_trainer import AdversarialSettings, AdversarialTrainer
from pathgen.gan.conditioning import ClassCondition, ClassShift, class_logits, init_class_shifts
from pathgen.gan.generators.interface import Generator
from pathgen.gan.shuffled_loader import ShuffledLoader

_SMALLEST_PX = 4

Upsampling = Annotated[
    Literal["transposed", "nearest"],
    Field(
        description="How the generator doubles the side. transposed: by transposed convolutions, as in the "
        "paper. nearest: by repeated pixels and a convolution of 3 x 3, against checkerboards."
    ),
]


class Settings(AdversarialSettings):
    """Recipe of a DCGAN (paper: latent_dim 100, batch_size 256, kimg 14003.2)."""

    supports_joint: ClassVar[bool] = True

    network: Literal["dcgan"]
    width: int = Field(ge=4, le=512, description="Channels next to the image layers; paper: 64.")
    upsampling: Upsampling = "transposed"


def doublings(image_size: int) -> int:
    """Return how often 4 px must double to become the image's side, e.g. 4 for 64 px."""
    return (image_size // _SMALLEST_PX).bit_length() - 1


def doubling(before: int, after: int, upsampling: str) -> list[nn.Module]:
    """Return the layers that double the side of feature maps.

    Args:
        before: Channels in.
        after: Channels out.
        upsampling: See `Settings`.
    """
    if upsampling == "transposed":
        return [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
    return [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(before, after, 3, 1, 1, bias=False)]


class DcganGenerator(nn.Module):
    """Latents to images by (transposed) convolutions with BatchNorm and ReLU, Tanh at the end.

    Source: Radford et al. 2015 (arXiv 1511.06434), in the layout of the PyTorch example. With 64 px,
    `width` 64 and `latent_dim` 100 the channels are 100, 512, 256, 128, 64, 3. ``upsampling: nearest``: Odena
    et al. 2016 (doi 10.23915/distill.00003).
    """

    def __init__(self, settings: Any, image_size: int, classes: int = 0, label: int = 0) -> None:
        """Build with torch's default weights (see `Generator.networks` for the arguments)."""
        super().__init__()
        self.image_size = image_size
        self.latent_dim = latent_dim = settings.latent_dim
        # Channels at 4, 8, ... px: halved with each doubling of the side, `width` before the last layer.
        channels = [settings.width << stage for stage in reversed(range(doublings(image_size)))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent_dim, channels[0], 4, 1, 0, bias=False)]
        for before, after in zip(channels, [*channels[1:], 3], strict=True):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers += doubling(before, after, settings.upsampling)
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.shift = ClassShift(classes, latent_dim, label) if classes else None

    def forward(self, z: torch.Tensor, c: ClassCondition | None = None) -> torch.Tensor:
        """Generate images.

        Args:
            z: Latents (N, latent_dim), standard normal.
            c: Class condition; None: the class that the network was built for.

        Returns:
            (N, 3, image_size, image_size) in [-1, 1].
        """
        if self.shift is not None:
            z = self.shift(z, c)
        images: torch.Tensor = self.layers(z[:, :, None, None])  # (N, latent_dim, 1, 1) in
        return images


class DcganDiscriminator(nn.Module):
    """Images to logits by strided convolutions with LeakyReLU.

    BatchNorm between the layers, not at the first and not at the last.

    Source: as `DcganGenerator`; its mirror image.
    """

    def __init__(self, settings: Any, image_size: int, classes: int = 0, label: int = 0) -> None:
        """Build with torch's default weights (see `Generator.networks` for the arguments)."""
        super().__init__()
        self.label, width = label, settings.width
        channels = [width << stage for stage in range(doublings(image_size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1 + classes, 4, 1, 0, bias=False))

    def forward(self, images: torch.Tensor, c: ClassCondition | None = None) -> torch.Tensor:
        """Judge images.

        Args:
            images: (N, 3, image_size, image_size), about [-1, 1].
            c: Class condition; None: the class that the network was built for.

        Returns:
            Logits (N,); above 0 means "real".
        """
        outputs = self.layers(images).flatten(1)  # (N, 1 + classes, 1, 1) -> (N, 1 + classes)
        return class_logits(outputs, self.label, c)


def init_weights(network: nn.Module, seed: int) -> None:
    """Draw the weights: convolutions N(0, 0.02), BatchNorm weights N(1, 0.02), biases 0.

    Args:
        network: Changed in place; on the CPU.
        seed: Seed of the draw.

    Source: Radford et al. 2015 and the PyTorch example.
    """
    generator = torch_generator(seed, "weights")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(module.bias)
    init_class_shifts(network, generator)


GENERATOR = Generator(
    settings=Settings,
    build_generator=DcganGenerator,
    build_discriminator=DcganDiscriminator,
    init_weights=init_weights,
    trainer=AdversarialTrainer,
    loader=ShuffledLoader,
    description="DCGAN, the generator of the published study",
)
