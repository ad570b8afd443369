"""DCGAN: stacks of strided convolutions. Images: NCHW, float32, [-1, 1]."""

import itertools

import torch
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import ClassShift, Given, class_logits, initialise_classes

_SMALLEST_PX = 4


def doublings(image_size: int) -> int:
    """Return how often 4 px must double to become the image's side, e.g. 4 for 64 px."""
    return (image_size // _SMALLEST_PX).bit_length() - 1


class DcganGenerator(nn.Module):
    """Latent vectors to images, by transposed convolutions with BatchNorm and ReLU, Tanh at the end.

    Source: Radford et al. 2015 (arXiv 1511.06434), in the layout of the PyTorch example. With 64 px,
    `width` 64 and `latent_dim` 100 the channels are 100, 512, 256, 128, 64, 3.
    """

    def __init__(
        self, image_size: int, width: int, latent_dim: int, classes: int = 0, label: int = 0
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.latent_dim = latent_dim
        # Channels at 4, 8, ... px: halved with each doubling of the side, `width` before the last.
        channels = [width << stage for stage in reversed(range(doublings(image_size)))]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent_dim, channels[0], 4, 1, 0, bias=False)]
        for before, after in zip(channels, [*channels[1:], 3], strict=True):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False))
        self.layers = nn.Sequential(*layers, nn.Tanh())
        self.shift = ClassShift(classes, latent_dim, label) if classes else None

    def forward(self, latents: torch.Tensor, given: Given | None = None) -> torch.Tensor:
        """Make images.

        Args:
            latents: (N, latent_dim), float32, standard normal.
            given: The classes, where the generator knows any; None: the one it was built for.

        Returns:
            (N, 3, image_size, image_size) in [-1, 1].
        """
        if self.shift is not None:
            latents = self.shift(latents, given)
        images: torch.Tensor = self.layers(latents[:, :, None, None])  # (N, latent_dim, 1, 1) in
        return images


class DcganDiscriminator(nn.Module):
    """Images to logits of being real, by strided convolutions with LeakyReLU.

    BatchNorm between them, but not at the first and not at the last.

    Source: as `DcganGenerator`; mirror image of it.
    """

    def __init__(self, image_size: int, width: int, classes: int = 0, label: int = 0) -> None:
        super().__init__()
        self.label = label
        channels = [width << stage for stage in range(doublings(image_size))]
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for before, after in itertools.pairwise(channels):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1 + classes, 4, 1, 0, bias=False))

    def forward(self, images: torch.Tensor, given: Given | None = None) -> torch.Tensor:
        """Judge images.

        Args:
            images: (N, 3, image_size, image_size) in [-1, 1].
            given: Their classes, where the discriminator knows any; None: the one it was built for.

        Returns:
            (N,) logits; above 0 means "real".
        """
        outputs = self.layers(images).flatten(1)  # (N, 1 + classes, 1, 1) -> (N, 1 + classes)
        return class_logits(outputs, self.label, given)


def initialise(network: nn.Module, seed: int) -> None:
    """Draw the weights: convolutions N(0, 0.02), BatchNorm weights N(1, 0.02), biases 0.

    Args:
        network: Changed in place; on the CPU.
        seed: Of the draw.

    Source: Radford et al. 2015 and the PyTorch example.
    """
    generator = torch_generator(seed, "weights")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02, generator=generator)
            nn.init.zeros_(module.bias)
    initialise_classes(network, generator)


def build_generator(
    *, image_size: int, width: int, latent_dim: int, classes: int = 0, label: int = 0
) -> DcganGenerator:
    """Build a generator with torch's default weights (see `initialise`).

    Args:
        image_size: Side in px, a power of two from 8.
        width: Channels before the last layer; 64 in the paper.
        latent_dim: Length of a latent vector; 100 in the paper.
        classes: How many it is trained for at once; 0: it knows of none, as in the paper.
        label: The class that it draws when none is told.
    """
    return DcganGenerator(image_size, width, latent_dim, classes, label)


def build_discriminator(
    *, image_size: int, width: int, latent_dim: int, classes: int = 0, label: int = 0
) -> DcganDiscriminator:
    """Build the discriminator for images of `build_generator` with the same arguments.

    Args:
        image_size: Side in px, a power of two from 8.
        width: Channels after the first layer; 64 in the paper.
        latent_dim: Not used: a discriminator sees images only.
        classes: How many it is trained for at once; 0: it knows of none, as in the paper.
        label: The class that it judges by when none is told.
    """
    return DcganDiscriminator(image_size, width, classes, label)
