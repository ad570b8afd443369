"""The generator of StyleGAN2: a mapping of latents, and a synthesis with skip connections in RGB.

Images: NCHW, about [-1, 1] but not bounded. Source: Karras et al. 2020 (arXiv 1912.04958), figures 2 and 7.
"""

import itertools

import torch
from torch import nn

from pathgen.gan.conditioning import ClassCondition, ClassShift
from pathgen.gan.generators.stylegan2.layers import EqualLinear, ModulatedConv, activated, upsampled
from pathgen.gan.generators.stylegan2.settings import StyleGan2Settings

_SMALLEST_PX = 4
# Decay of the mean w per step, from the papers' code.
_MEAN_DECAY = 0.995


def sides(image_size: int) -> list[int]:
    """Return the sides of the resolutions, px: 4, 8, ... `image_size`."""
    return [_SMALLEST_PX << level for level in range((image_size // _SMALLEST_PX).bit_length())]


def channels_at(side: int, settings: StyleGan2Settings) -> int:
    """Return how many channels the layers of a resolution have: inverse to its side, up to a limit."""
    return max(1, min(settings.channel_base // side, settings.channel_max))


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

    def forward(self, z: torch.Tensor, c: ClassCondition | None = None) -> torch.Tensor:
        """Map z, shifted by its class if there is one and normalised to a mean square of 1, to w.

        Args:
            z: Latents (N, latent_dim), standard normal.
            c: Class condition; None: the class that the network was built for.

        Returns:
            w (N, latent_dim).
        """
        if self.shift is not None:
            z = self.shift(z, c)
        power = z.square().mean(1, keepdim=True)
        w: torch.Tensor = self.layers(z * (power + 1e-8).rsqrt())
        return w

    @torch.no_grad()
    def update_mean(self, w: torch.Tensor) -> None:
        """Move the mean w, which truncation pulls towards, towards the mean of a batch.

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
        """Map (N, inputs, h, h) to (N, outputs, side, side); noise (N or 1, 1, side, side)."""
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
        styles: Number of w per image: one per convolution, and one for the last RGB layer.
    """

    def __init__(
        self, settings: StyleGan2Settings, image_size: int, classes: int = 0, label: int = 0
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.latent_dim = latent_dim = settings.latent_dim
        self.mapping = Mapping(latent_dim, settings.mapping_layers, classes, label)
        channels = [channels_at(side, settings) for side in sides(image_size)]
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
            count: Number of images.
            rng: Random generator on the device of the network.

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
        """Generate images from intermediate latents.

        Args:
            ws: (N, styles, latent_dim), one w per layer.
            noise: As `noise` returns it; None: the noise stored with the weights, the same for every image.

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
            # The RGB layer shares the w of the next resolution's first convolution.
            picture = upsampled(picture) + colours(images, ws[:, second + 1])
        return picture

    def forward(
        self,
        z: torch.Tensor,
        c: ClassCondition | None = None,
        noise: list[torch.Tensor] | None = None,
        psi: float = 1.0,
    ) -> torch.Tensor:
        """Generate images.

        Args:
            z: Latents (N, latent_dim), standard normal.
            c: Class condition.
            noise: See `synthesis`.
            psi: Truncation: 1 leaves w as it is, 0 is the mean image (of all classes).

        Returns:
            (N, 3, image_size, image_size); values beyond [-1, 1] are clipped when saved.

        Source: Karras et al. 2019 (arXiv 1812.04948), appendix B, for the truncation.
        """
        w = self.mapping(z, c)
        if psi != 1.0:
            w = self.mapping.mean + psi * (w - self.mapping.mean)
        return self.synthesis(w[:, None].expand(-1, self.styles, -1), noise)
