"""Copies that differ from the original pixel by pixel: rotated, shifted, or stained differently."""

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.d4_ncc import SYMMETRIES, apply_symmetry
from pathgen.training.augmentation import restained

_STAIN_FACTOR = 0.1
_STAIN_OFFSET = 0.02


def rotate_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate or mirror each patch (N, S, S, 3) into a random one of the seven other orientations."""
    symmetries = rng.integers(1, SYMMETRIES, size=len(images))
    return np.stack([apply_symmetry(image, int(s)) for image, s in zip(images, symmetries, strict=True)])


def shift_each(images: NDArray[np.uint8], shift_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift each patch (N, S, S, 3) by `shift_px` along both axes, in random directions.

    The tissue beyond the border is unknown, so the border is filled by reflection.
    """
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (shift_px, shift_px), (shift_px, shift_px), (0, 0)), mode="reflect")
    corners = 2 * shift_px * rng.integers(0, 2, size=(len(images), 2))
    return np.stack(
        [image[y : y + side, x : x + side] for image, (y, x) in zip(padded, corners.tolist(), strict=True)]
    )


def stain_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Scale each stain of each patch (N, S, S, 3) by up to 10 %, and add a small offset."""
    shape = (len(images), 3)
    factors = torch.from_numpy(rng.uniform(1 - _STAIN_FACTOR, 1 + _STAIN_FACTOR, shape).astype(np.float32))
    offsets = torch.from_numpy(rng.uniform(-_STAIN_OFFSET, _STAIN_OFFSET, shape).astype(np.float32))
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    changed = (restained(values, factors, offsets).permute(0, 2, 3, 1) + 1.0) * 127.5
    return np.asarray(changed.clamp(0, 255).round().to(torch.uint8).numpy())
