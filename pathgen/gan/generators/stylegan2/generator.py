"""The generator of StyleGAN2: a mapping of latents, and a synthesis with skip connections in RGB.

Images: NCHW, about [-1, 1] but not bounded. Source: Karras et al. 2020 (arXiv 1912.04958), figures 2 and 7.
"""

import itertools

import torch
from torch import nn

from pathgen.gan.conditioning import ClassShift, Given
from pathgen.gan.generators.stylegan2.layers import EqualLinear, ModulatedConv, activated
from pathgen.gan.generators.stylegan2.resample import doubled

_SMALLEST_PX = 4
# Steps over which the mean of w forgets; of the papers' code (0.995).
_MEAN_DECAY = 0.995


def sides(image_size: int) -> list[int]:
    """Return the sides of the resolutions, px: 4, 8, ... `image_size`."""
    return [_SMALLEST_PX << level for level in range((image_size // _SMALLEST_PX).bit_length())]


def channels_at(side: int, channel_base: int, channel_max: int) -> int:
    """Return how many channels the layers of a resolution have: inverse to its side, up to a limit."""
    return max(1, min(channel_base // side, channel_max))


class Mapping(nn.Module):
    """Latents z to intermediate latents w, by fully connected layers of a hundredth of the learning rate."""

    def __init__(self, latent_dim: int, layers: int, classes: int = 0, label: int = 0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(EqualLinear(latent_dim, latent_dim, lr_multiplier=0.01, active=True) for _ in range(layers))
        )
        self.shift = ClassShift(classes, latent_dim, label) if classes else None
        self.mean: torch.Tensor
        self.register_buffer("mean", torch.zeros(latent_dim))

    def forward(self, latents: torch.Tensor, given: Given | None = None) -> torch.Tensor:
        """Map z, shifted by its class where there are any and brought to a mean square of 1, to w.

        Args:
            latents: z (N, latent_dim), standard normal.
            given: The classes; None: the one it was built for.

        Returns:
            (N, latent_dim).
        """
        if self.shift is not None:
            latents = self.shift(latents, given)
        power = latents.square().mean(1, keepdim=True)
        w: torch.Tensor = self.layers(latents * (power + 1e-8).rsqrt())
        return w

    @torch.no_grad()
    def remember(self, w: torch.Tensor) -> None:
        """Move the mean that truncation pulls towards to this batch's mean.

        Args:
            w: (N, latent_dim).
        """
        self.mean.lerp_(w.float().mean(0), 1.0 - _MEAN_DECAY)


class StyledConv(nn.Module):
    """A modulated convolution, noise of a learned strength, bias and activation."""

    def __init__(self, inputs: int, outputs: int, side: int, latent_dim: int, *, up: bool) -> None:
        super().__init__()
        self.convolution = ModulatedConv(inputs, outputs, 3, latent_dim, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.fixed_noise: torch.Tensor
        self.register_buffer("fixed_noise", torch.zeros(1, 1, side, side))

    def forward(self, images: torch.Tensor, w: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, h, h) to (N, outputs, side, side).

        Args:
            images: The features before.
            w: (N, latent_dim).
            noise: (N, 1, side, side), or (1, 1, side, side) for all alike.
        """
        images = self.convolution(images, w)
        return activated(images + (noise * self.strength).to(images.dtype), self.bias)


class ToRgb(nn.Module):
    """Features to colours: a modulated 1x1 convolution without demodulation, and a bias."""

    def __init__(self, inputs: int, latent_dim: int) -> None:
        super().__init__()
        self.convolution = ModulatedConv(inputs, 3, 1, latent_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, images: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, side, side) to (N, 3, side, side), float32."""
        colours: torch.Tensor = self.convolution(images, w).float() + self.bias[:, None, None]
        return colours


class StyleGan2Generator(nn.Module):
    """Latents to images.

    Attributes:
        image_size: Side in px.
        latent_dim: Length of z and of w.
        styles: How many w one image takes: one per convolution, and one for the last colours.
    """

    def __init__(
        self,
        image_size: int,
        channel_base: int,
        channel_max: int,
        latent_dim: int,
        mapping_layers: int,
        classes: int = 0,
        label: int = 0,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.latent_dim = latent_dim
        self.mapping = Mapping(latent_dim, mapping_layers, classes, label)
        channels = [channels_at(side, channel_base, channel_max) for side in sides(image_size)]
        self.constant = nn.Parameter(torch.zeros(1, channels[0], _SMALLEST_PX, _SMALLEST_PX))
        layers = [StyledConv(channels[0], channels[0], _SMALLEST_PX, latent_dim, up=False)]
        for side, (before, after) in zip(sides(image_size)[1:], itertools.pairwise(channels), strict=True):
            layers.append(StyledConv(before, after, side, latent_dim, up=True))
            layers.append(StyledConv(after, after, side, latent_dim, up=False))
        self.layers = nn.ModuleList(layers)
        self.colours = nn.ModuleList(ToRgb(channel, latent_dim) for channel in channels)
        self.styles = len(layers) + 1

    def noise(self, count: int, rng: torch.Generator) -> list[torch.Tensor]:
        """Draw noise for every layer.

        Args:
            count: Images.
            rng: On the device of the network.

        Returns:
            One (count, 1, side, side) per layer, standard normal.
        """
        return [
            torch.randn((count, *fixed.shape[1:]), generator=rng, device=rng.device)
            for fixed in self._fixed_noise()
        ]

    def _fixed_noise(self) -> list[torch.Tensor]:
        return [layer.get_buffer("fixed_noise") for layer in self.layers]

    def synthesis(self, ws: torch.Tensor, noise: list[torch.Tensor] | None = None) -> torch.Tensor:
        """Make images of intermediate latents.

        Args:
            ws: (N, styles, latent_dim), one w per layer.
            noise: Of `noise`; None takes the noise that is stored with the weights, the same for every image.

        Returns:
            (N, 3, image_size, image_size), float32.
        """
        noise = self._fixed_noise() if noise is None else noise
        images = self.constant.expand(len(ws), -1, -1, -1)
        images = self.layers[0](images, ws[:, 0], noise[0])
        picture: torch.Tensor = self.colours[0](images, ws[:, 1])
        for level, colours in enumerate(self.colours[1:], start=1):
            first, second = 2 * level - 1, 2 * level
            images = self.layers[first](images, ws[:, first], noise[first])
            images = self.layers[second](images, ws[:, second], noise[second])
            # The colours share the w of the next resolution's first convolution.
            picture = doubled(picture) + colours(images, ws[:, second + 1])
        return picture

    def forward(
        self,
        latents: torch.Tensor,
        noise: list[torch.Tensor] | None = None,
        psi: float = 1.0,
        given: Given | None = None,
    ) -> torch.Tensor:
        """Make images.

        Args:
            latents: z (N, latent_dim), standard normal.
            noise: See `synthesis`.
            psi: Truncation: 1 leaves w as it is, 0 is the mean image (of all classes).
            given: The classes, where the generator knows any; None: the one it was built for.

        Returns:
            (N, 3, image_size, image_size); values beyond [-1, 1] are to be clipped when shown.

        Source: Karras et al. 2019 (arXiv 1812.04948), appendix B, for the truncation.
        """
        w = self.mapping(latents, given)
        if psi != 1.0:
            w = self.mapping.mean + psi * (w - self.mapping.mean)
        return self.synthesis(w[:, None].expand(-1, self.styles, -1), noise)


def build_generator(
    *,
    image_size: int,
    channel_base: int,
    channel_max: int,
    latent_dim: int,
    mapping_layers: int,
    minibatch_group: int,
    classes: int = 0,
    label: int = 0,
) -> StyleGan2Generator:
    """Build a generator with weights still to be drawn (see `layers.initialise`).

    Args:
        image_size: Side in px, a power of two from 8.
        channel_base: Channels times side of each resolution; 16384 in the papers up to 256 px.
        channel_max: Channels at most; 512 in the papers.
        latent_dim: Length of z and of w; 512 in the papers.
        mapping_layers: Layers of the mapping; 8 in the papers, 2 for small images (Karras et al. 2020, ADA).
        minibatch_group: Not used: a generator sees no batch.
        classes: How many it is trained for at once; 0: it knows of none.
        label: The class that it draws when none is told.
    """
    return StyleGan2Generator(
        image_size, channel_base, channel_max, latent_dim, mapping_layers, classes, label
    )
