"""Augmentation of H&E patches: turns, stain, blur.

Tissue has no up and no left, is stained a little more or less, and lies a little out of focus; its colours
change in no other way. Stain and blur are matrices, so they have derivatives of every order.
"""

import functools

import torch

# Optical densities of haematoxylin, eosin and a remainder, one per row (Ruifrok and Johnston 2001).
_STAINS = ((0.650, 0.704, 0.286), (0.072, 0.990, 0.105), (0.268, 0.570, 0.776))
# Half a grey level: the darkest that an optical density is taken of.
_DARKEST = 0.5 / 255.0
# Below it a blur is none, and its square is no longer a number to divide by.
_SHARP_PX = 1e-3


def turned(images: torch.Tensor, choices: torch.Tensor) -> torch.Tensor:
    """Apply to each square image one of the eight symmetries of the square.

    Args:
        images: (N, C, H, H).
        choices: (3, N) bool, on any device: mirror left-right, mirror up-down, swap rows and columns. Three
            fair coins give each of the eight with equal chance.

    Returns:
        (N, C, H, H), a new tensor.
    """
    mirror_x, mirror_y, swap = choices.to(images.device)[:, :, None, None, None]  # each (N, 1, 1, 1)
    images = torch.where(mirror_x, images.flip(3), images)
    images = torch.where(mirror_y, images.flip(2), images)
    return torch.where(swap, images.transpose(2, 3), images)


def restained(images: torch.Tensor, factors: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Change how much of each stain is in an image.

    Args:
        images: (N, 3, H, W), about [-1, 1]; what lies beyond keeps its distance to the limit.
        factors: (N, 3), of the amounts of haematoxylin, eosin and the remainder; 1 leaves them.
        offsets: (N, 3), added to the amounts; 0 leaves them.

    Returns:
        (N, 3, H, W).

    Source: Beer and Lambert's law with the stain vectors of Ruifrok and Johnston 2001; Tellez et al. 2018
    (arXiv 1808.05896) for jitter of factors and offsets.
    """
    stains, inverse = _stains(images.device)
    # density' = ((density @ inverse) * factors + offsets) @ stains, as one matrix per image.
    change = inverse @ (factors[:, :, None] * stains)  # (N, 3, 3)
    inside = images.clamp(-1.0, 1.0)
    light = ((inside + 1.0) / 2.0).clamp(min=_DARKEST)
    count, channels, height, width = images.shape
    density = -light.log().reshape(count, channels, -1)  # (N, 3, H * W)
    new = change.transpose(1, 2) @ density + (offsets @ stains)[:, :, None]
    # Light cannot exceed that of an empty slide.
    new_light = (-new.clamp(min=0.0)).exp().reshape(count, channels, height, width)
    result: torch.Tensor = images + (new_light - light) * 2.0
    return result


@functools.cache
def _stains(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the stains' unit vectors, one per row, and their inverse: kept, as a GPU would wait for both."""
    with torch.inference_mode(False):
        stains = torch.nn.functional.normalize(torch.tensor(_STAINS), dim=1)
        return stains.to(device), torch.linalg.inv(stains).to(device)


def blurred(images: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Blur each image by a Gaussian of its own; beyond the edges there is nothing.

    Args:
        images: (N, C, H, H).
        sigma: (N,), standard deviation in px; 0 leaves the image as it is.

    Returns:
        (N, C, H, H).
    """
    place = torch.arange(images.shape[-1], device=images.device, dtype=images.dtype)
    distance = place[:, None] - place  # (H, H): from output pixel to input pixel
    width = sigma.clamp(min=_SHARP_PX)[:, None, None]
    weights = (-0.5 * (distance / width).square()).exp()
    matrices = (weights / weights.sum(2, keepdim=True))[:, None]  # (N, 1, H, H)
    return matrices @ images @ matrices.transpose(2, 3)
