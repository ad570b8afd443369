"""The low-pass filter [1, 3, 3, 1] / 8 along each axis, as means of neighbours.

[1, 3, 3, 1] is [1, 1] convolved with itself twice over, so three means of 2x2 pixels are the filter: no
kernels to compile, second derivatives everywhere, and the same sums in the same order on every run.
Source: Karras et al. 2020 (arXiv 1912.04958), appendix B, for the filter and where it stands.
"""

import torch
from torch.nn import functional


def smoothed(images: torch.Tensor, margin: int) -> torch.Tensor:
    """Filter, with zeros outside of the image.

    Args:
        images: (N, C, H, W).
        margin: Zeros put around each side before.

    Returns:
        (N, C, H + 2 * margin - 3, W + 2 * margin - 3).
    """
    padded = functional.pad(images, (margin,) * 4)
    return _mean(_mean(_mean(padded, 1), 1), 1)


def halved(images: torch.Tensor) -> torch.Tensor:
    """Filter and keep every second pixel: (N, C, H, W) to (N, C, H / 2, W / 2); H and W even."""
    padded = functional.pad(images, (1,) * 4)
    return _mean(_mean(_mean(padded, 1), 1), 2)


def doubled(images: torch.Tensor) -> torch.Tensor:
    """Put zeros between the pixels and filter: (N, C, H, W) to (N, C, 2 * H, 2 * W), of the same mean."""
    count, channels, height, width = images.shape
    # Each pixel four times is the first of the three means of pixels among zeros, times four.
    tiled = images[:, :, :, None, :, None].expand(count, channels, height, 2, width, 2)
    padded = functional.pad(tiled.reshape(count, channels, 2 * height, 2 * width), (1,) * 4)
    return _mean(_mean(padded, 1), 1)


def _mean(images: torch.Tensor, stride: int) -> torch.Tensor:
    return functional.avg_pool2d(images, 2, stride)
