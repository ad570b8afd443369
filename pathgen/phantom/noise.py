"""Smooth random fields."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

F32 = NDArray[np.float32]


def enlarge(field: F32, shape: tuple[int, int], grain_px: float) -> F32:
    """Interpolate a coarse field to pixels with a bicubic kernel.

    Args:
        field: float32 (h, w), one value per `grain_px` pixels, the first at pixel 0.
        shape: Rows and columns wanted; at most ``h * grain_px`` and ``w * grain_px``.
        grain_px: Distance of two coarse values, px.

    Returns:
        float32 of `shape`.
    """
    box = (0.0, 0.0, shape[1] / grain_px, shape[0] / grain_px)
    image = Image.fromarray(field).resize((shape[1], shape[0]), Image.Resampling.BICUBIC, box=box)
    return np.asarray(image, dtype=np.float32)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> F32:
    """Draw value noise: independent normal numbers on a coarse grid, interpolated.

    Args:
        rng: Source of randomness.
        shape: Rows and columns.
        grain_px: Typical distance between two extremes, px.

    Returns:
        float32 of `shape`, mean about 0, standard deviation about 1.
    """
    coarse = (int(shape[0] / grain_px) + 3, int(shape[1] / grain_px) + 3)
    values = rng.standard_normal(coarse, dtype=np.float32)
    # Interpolation averages neighbours; 1.35 brings the standard deviation back to about 1.
    return enlarge(values, shape, grain_px) * np.float32(1.35)


def smooth_step(field: F32, low: float, high: float) -> F32:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    ramp = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), dtype=np.float32)
