"""Copies that do not look like copies pixel by pixel: turned, moved, stained otherwise."""

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.d4_ncc import SYMMETRIES, turned
from pathgen.training.augmentation import restained

_STAIN_FACTOR = 0.1
_STAIN_OFFSET = 0.02


def turned_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bring each patch (N, S, S, 3) into a random one of the seven other positions."""
    symmetries = rng.integers(1, SYMMETRIES, size=len(images))
    return np.stack([turned(image, int(s)) for image, s in zip(images, symmetries, strict=True)])


def shifted_each(images: NDArray[np.uint8], shift_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Move each patch (N, S, S, 3) by so many pixels along both axes, either way.

    What enters at the border is mirrored: the tissue there is not known.
    """
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (shift_px, shift_px), (shift_px, shift_px), (0, 0)), mode="reflect")
    corners = 2 * shift_px * rng.integers(0, 2, size=(len(images), 2))
    return np.stack(
        [image[y : y + side, x : x + side] for image, (y, x) in zip(padded, corners.tolist(), strict=True)]
    )


def restained_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change how much of each stain is in each patch (N, S, S, 3): up to a tenth, and a little everywhere."""
    shape = (len(images), 3)
    factors = torch.from_numpy(rng.uniform(1 - _STAIN_FACTOR, 1 + _STAIN_FACTOR, shape).astype(np.float32))
    offsets = torch.from_numpy(rng.uniform(-_STAIN_OFFSET, _STAIN_OFFSET, shape).astype(np.float32))
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    changed = (restained(values, factors, offsets).permute(0, 2, 3, 1) + 1.0) * 127.5
    return np.asarray(changed.clamp(0, 255).round().to(torch.uint8).numpy())
