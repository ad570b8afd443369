"""The low-pass filter [1, 3, 3, 1] / 8 along each axis, applied to every channel.

Source: Karras et al. 2020 (arXiv 1912.04958), appendix B, for the filter and its places.
"""

import torch
from torch.nn import functional


def filtered(images: torch.Tensor, margin: int) -> torch.Tensor:
    """Filter with zero padding.

    Args:
        images: (N, C, H, W).
        margin: Number of zeros at each side.

    Returns:
        (N, C, H + 2 * margin - 3, W + 2 * margin - 3).
    """
    with torch.autocast(images.device.type, enabled=False):
        return functional.conv2d(images, _kernels(images), padding=margin, groups=images.shape[1])


def downsampled(images: torch.Tensor) -> torch.Tensor:
    """Filter and keep every second pixel: (N, C, H, W) to (N, C, H / 2, W / 2); H and W even."""
    with torch.autocast(images.device.type, enabled=False):
        return functional.conv2d(images, _kernels(images), stride=2, padding=1, groups=images.shape[1])


def upsampled(images: torch.Tensor) -> torch.Tensor:
    """Insert zeros between the pixels and filter: (N, C, H, W) to (N, C, 2 * H, 2 * W), of the same mean."""
    with torch.autocast(images.device.type, enabled=False):
        kernels = _kernels(images) * 4.0
        return functional.conv_transpose2d(images, kernels, stride=2, padding=1, groups=images.shape[1])


def _kernels(images: torch.Tensor) -> torch.Tensor:
    """Return the filter for each channel, (C, 1, 4, 4), in the images' precision, which holds it exactly."""
    # Computed, not stored: a constant would be copied to a GPU each time.
    place = torch.arange(4, device=images.device, dtype=images.dtype)
    taps = (place * (3.0 - place) + 1.0) / 8.0  # 1, 3, 3, 1
    return torch.outer(taps, taps).expand(images.shape[1], 1, 4, 4)
