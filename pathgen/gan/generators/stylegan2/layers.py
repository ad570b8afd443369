"""Layers with an equalised learning rate, and the convolution whose kernel a style modulates.

Source: Karras et al. 2018 (arXiv 1710.10196, section 4.1) for the equalised learning rate, Karras et al. 2020
(arXiv 1912.04958, section 2 and appendix B) for the rest.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import init_class_shifts

# A unit-variance input leaves LeakyReLU(0.2) with about half of its power; the gain restores it.
_SLOPE = 0.2
_GAIN = math.sqrt(2.0)


def filtered(images: torch.Tensor, margin: int, stride: int = 1) -> torch.Tensor:
    """Filter by [1, 3, 3, 1] / 8 along each axis, with zero padding.

    Args:
        images: (N, C, H, W).
        margin: Number of zeros at each side.
        stride: Step between two pixels that are kept.

    Returns:
        (N, C, (H + 2 * margin - 4) // stride + 1, (W + 2 * margin - 4) // stride + 1).
    """
    with torch.autocast(images.device.type, enabled=False):
        return functional.conv2d(
            images, _kernels(images), stride=stride, padding=margin, groups=images.shape[1]
        )


def upsampled(images: torch.Tensor) -> torch.Tensor:
    """Insert zeros between the pixels and filter: (N, C, H, W) to (N, C, 2 * H, 2 * W), of the same mean."""
    with torch.autocast(images.device.type, enabled=False):
        kernels = _kernels(images) * 4.0
        return functional.conv_transpose2d(images, kernels, stride=2, padding=1, groups=images.shape[1])


def _kernels(images: torch.Tensor) -> torch.Tensor:
    """Return the filter [1, 3, 3, 1] / 8 along each axis for each channel, (C, 1, 4, 4)."""
    # Computed, not stored: a constant would be copied to a GPU each time.
    place = torch.arange(4, device=images.device, dtype=images.dtype)
    taps = (place * (3.0 - place) + 1.0) / 8.0  # 1, 3, 3, 1
    return torch.outer(taps, taps).expand(images.shape[1], 1, 4, 4)


def activated(values: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Return LeakyReLU(values + bias) times the square root of 2.

    Args:
        values: (N, C) or (N, C, H, W).
        bias: (C,).
    """
    shifted = values + bias.to(values.dtype).reshape(1, -1, *[1] * (values.ndim - 2))
    return functional.leaky_relu(shifted, _SLOPE) * _GAIN


class EqualLinear(nn.Module):
    """A linear layer whose weights are stored with unit variance and scaled when used."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: float = 0.0,
        lr_multiplier: float = 1.0,
        active: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_multiplier))
        self.lr_multiplier = lr_multiplier
        self.active = active

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs) to (N, outputs)."""
        weight = self.weight * (self.lr_multiplier / math.sqrt(self.weight.shape[1]))
        bias = self.bias * self.lr_multiplier
        if self.active:
            return activated(functional.linear(values, weight), bias)
        return functional.linear(values, weight, bias.to(values.dtype))


class EqualConv(nn.Module):
    """A convolution of odd kernel that keeps the side, or halves it behind the low-pass filter."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, down: bool = False, active: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if active else None
        self.down = down

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W), or (N, outputs, H / 2, W / 2)."""
        kernel = self.weight.shape[2]
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if self.down:
            images = functional.conv2d(filtered(images, (kernel + 1) // 2), weight, stride=2)
        else:
            images = functional.conv2d(images, weight, padding=kernel // 2)
        return images if self.bias is None else activated(images, self.bias)


class ModulatedConv(nn.Module):
    """A convolution whose kernel is modulated by each image's style, and demodulated if asked for.

    Image n sees the kernel ``s[n, i] * w[o, i]`` of style s and weights w, with `demodulate` divided by its
    norm over i and space (equations 1 and 3 of the paper). Input and output channels are scaled around one
    convolution of all images: the same sums, several times as fast on a CPU.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        latent_dim: int,
        *,
        up: bool = False,
        demodulate: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.style = EqualLinear(latent_dim, inputs, bias=1.0)
        self.up = up
        self.demodulate = demodulate

    def forward(self, images: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        """Convolve.

        Args:
            images: (N, inputs, H, W).
            w: (N, latent_dim), one intermediate latent per image.

        Returns:
            (N, outputs, H, W), of twice the side with `up`.
        """
        style = self.style(w).to(self.weight.dtype)  # (N, inputs)
        weight = self.weight / math.sqrt(self.weight[0].numel())
        images = images * style[:, :, None, None].to(images.dtype)
        if self.up:
            # Stride 2 puts zeros between the pixels, hence the 4 that keeps the mean under the filter.
            spread = functional.conv_transpose2d(images, weight.transpose(0, 1) * 4.0, stride=2)
            images = filtered(spread, 1)  # (N, outputs, 2 * H + 1, ...) -> (N, outputs, 2 * H, ...)
        else:
            images = functional.conv2d(images, weight, padding=weight.shape[2] // 2)
        if self.demodulate:
            images = images * demodulation(weight, style)[:, :, None, None].to(images.dtype)
        return images


def demodulation(weight: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """Return one over the norm of each image's modulated kernel, per output channel.

    Args:
        weight: (outputs, inputs, k, k), float32.
        style: (N, inputs), float32.

    Returns:
        (N, outputs): ``1 / sqrt(sum over i, k of (s[n, i] * w[o, i, k])**2 + 1e-8)``.

    Source: Karras et al. 2020 (arXiv 1912.04958), equation 3.
    """
    with torch.autocast(weight.device.type, enabled=False):
        power = style.square() @ weight.square().sum((2, 3)).T  # (N, inputs) x (inputs, outputs)
        return (power + 1e-8).rsqrt()


def init_weights(network: nn.Module, seed: int) -> None:
    """Draw the weights: N(0, 1), or N(0, 1 / lr_multiplier); the learned constant and fixed noise N(0, 1).

    Args:
        network: Changed in place; on the CPU. Biases and noise strengths stay as built.
        seed: Seed of the draw.
    """
    rng = torch_generator(seed, "weights")
    for module in network.modules():
        if isinstance(module, EqualLinear):
            nn.init.normal_(module.weight, 0.0, 1.0 / module.lr_multiplier, generator=rng)
        elif isinstance(module, EqualConv | ModulatedConv):
            nn.init.normal_(module.weight, 0.0, 1.0, generator=rng)
    init_class_shifts(network, rng)
    for name, tensor in network.state_dict().items():
        if name.endswith(("constant", "fixed_noise")):
            nn.init.normal_(tensor, 0.0, 1.0, generator=rng)
