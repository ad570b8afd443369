"""The discriminator of StyleGAN2: residual blocks and the minibatch standard deviation.

Source: Karras et al. 2020 (arXiv 1912.04958), figure 7; Karras et al. 2018 (arXiv 1710.10196), section 3.
"""

import itertools
import math

import torch
from torch import nn

from pathgen.gan.conditioning import ClassCondition, class_logits
from pathgen.gan.generators.stylegan2.generator import channels_at, sides
from pathgen.gan.generators.stylegan2.layers import EqualConv, EqualLinear, filtered
from pathgen.gan.generators.stylegan2.settings import StyleGan2Settings

# Decay per batch of the mean deviation that is used in eval mode.
_DEVIATION_DECAY = 0.99


class ResidualBlock(nn.Module):
    """Two convolutions, of which the second halves the side, and a filtered 1x1 skip connection."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualConv(inputs, inputs, 3, active=True)
        self.second = EqualConv(inputs, outputs, 3, down=True, active=True)
        self.skip = EqualConv(inputs, outputs, 1, active=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / 2, W / 2); the sum keeps the variance."""
        total: torch.Tensor = self.second(self.first(images)) + self.skip(filtered(images, 1, stride=2))
        return total * math.sqrt(0.5)


class MinibatchDeviation(nn.Module):
    """One more channel: the standard deviation over a group of images.

    In eval mode the channel is the running mean of the training, so that each image is judged on its own.
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group
        self.usual: torch.Tensor
        self.register_buffer("usual", torch.zeros(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to (N, C + 1, H, W), float32."""
        images = images.float()
        count, _, height, width = images.shape
        if self.training:
            deviation = group_deviation(images, self.group)  # (N,)
            with torch.no_grad():
                self.usual.lerp_(deviation.mean(), 1.0 - _DEVIATION_DECAY)
        else:
            deviation = self.usual.expand(count)
        return torch.cat([images, deviation[:, None, None, None].expand(-1, 1, height, width)], 1)


def group_deviation(images: torch.Tensor, group: int) -> torch.Tensor:
    """Return the standard deviation over each image's group, mean over channels and pixels.

    Args:
        images: (N, C, H, W).
        group: Maximum number of images per group; the largest divisor of N up to it is used. Image n is
            in group ``n % (N / group)``.

    Returns:
        (N,).
    """
    count = len(images)
    size = max(size for size in range(1, min(group, count) + 1) if count % size == 0)
    grouped = images.reshape(size, count // size, -1)  # (group, groups, C * H * W)
    centred = grouped - grouped.mean(0)
    deviation = (centred.square().mean(0) + 1e-8).sqrt().mean(1)  # (groups,)
    return deviation.repeat(size)


class StyleGan2Discriminator(nn.Module):
    """Images to logits."""

    def __init__(
        self, settings: StyleGan2Settings, image_size: int, classes: int = 0, label: int = 0
    ) -> None:
        super().__init__()
        self.label = label
        channels = [channels_at(side, settings) for side in reversed(sides(image_size))]
        self.colours = EqualConv(3, channels[0], 1, active=True)
        self.blocks = nn.Sequential(
            *(ResidualBlock(before, after) for before, after in itertools.pairwise(channels))
        )
        self.deviation = MinibatchDeviation(settings.minibatch_group)
        self.last = EqualConv(channels[-1] + 1, channels[-1], 3, active=True)
        self.hidden = EqualLinear(channels[-1] * 16, channels[-1], active=True)
        self.logit = EqualLinear(channels[-1], 1 + classes)

    def forward(self, images: torch.Tensor, c: ClassCondition | None = None) -> torch.Tensor:
        """Judge images.

        Args:
            images: (N, 3, image_size, image_size), about [-1, 1].
            c: Class condition; None: the class that the network was built for.

        Returns:
            Logits (N,); above 0 means "real".
        """
        features = self.last(self.deviation(self.blocks(self.colours(images))))  # (N, C, 4, 4)
        outputs = self.logit(self.hidden(features.flatten(1)))  # (N, 1 + classes)
        return class_logits(outputs, self.label, c)
