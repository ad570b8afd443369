"""Feature protocols: what a patch looks like, as a vector.

A protocol's numbers never change; a new one gets a new name.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.optical_density import optical_density
from pathgen.metrics.fidelity.spectrum import radial_power

Extractor = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Takes RGB patches of shape (N, S, S, 3), gives features of shape (N, D), each patch for itself."""

SMALLEST_SIDE_PX = 16
"""Smallest patch that the protocols here can describe."""

_RINGS = 8
_GRADIENT_EDGES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def _colour_moments(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, deviation and cube root of the third central moment per channel (Stricker and Orengo 1995)."""
    mean = density.mean(axis=(1, 2))  # (N, 3)
    centred = density - mean[:, None, None, :]
    squared = centred * centred
    deviation = np.sqrt(squared.mean(axis=(1, 2)))
    skew = np.cbrt((squared * centred).mean(axis=(1, 2)))
    return np.concatenate([mean, deviation, skew], axis=1)  # (N, 9)


def _gradient_histograms(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of gradient sizes in 7 classes, of energy in 4 directions (after Dalal and Triggs 2005)."""
    across = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    size = np.hypot(across, down)
    size_class = np.searchsorted(_GRADIENT_EDGES, size)
    sizes = np.stack([(size_class == c).mean(axis=(1, 2)) for c in range(len(_GRADIENT_EDGES) + 1)], axis=1)
    # Bins are centred on the axes and the diagonals: edges along an axis do not straddle two bins.
    direction = np.floor(np.arctan2(down, across) / (np.pi / 4) + 0.5).astype(np.int64) % 4
    energy = np.stack([np.where(direction == d, size, 0.0).sum(axis=(1, 2)) for d in range(4)], axis=1)
    total = energy.sum(axis=1, keepdims=True)
    directions = np.where(total > 0, energy / np.where(total > 0, total, 1.0), 0.25)
    return np.concatenate([sizes, directions], axis=1)  # (N, 11)


def _binary_patterns(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Shares of the 10 rotation-invariant uniform binary patterns of 3 x 3 pixels (Ojala et al. 2002)."""
    grey = images.sum(axis=3, dtype=np.int64)  # whole numbers, so that comparisons are exact
    height, width = grey.shape[1:]
    centre = grey[:, 1:-1, 1:-1]
    bits = np.stack(
        [grey[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] >= centre for dy, dx in _NEIGHBOURS]
    )  # (8, N, H - 2, W - 2)
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, bits.sum(axis=0), 9)
    return np.stack([(pattern == p).mean(axis=(1, 2)) for p in range(10)], axis=1)  # (N, 10)


def texture_v1_raw(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe patches by 38 numbers in their own units (see `texture_v1`)."""
    density = optical_density(images)
    return np.concatenate(
        [
            _colour_moments(density),
            radial_power(images, _RINGS),
            _gradient_histograms(density.mean(axis=3)),
            _binary_patterns(images),
        ],
        axis=1,
    )


# fmt: off
# Mean and standard deviation of `texture_v1_raw` over 1,000 PatchCamelyon patches (CC0) of 96 x 96 pixels
# at 10x: they bring the features to one scale, the same for every study.
_CENTRE = (
    0.425, 0.813, 0.412, 0.324, 0.566, 0.274, 0.335, 0.690, 0.254, 0.221,
    -0.279, -0.600, -0.966, -1.233, -1.339, -1.449, -1.594, 0.097, 0.031, 0.056,
    0.112, 0.205, 0.251, 0.248, 0.242, 0.261, 0.240, 0.256, 0.074, 0.096,
    0.043, 0.045, 0.067, 0.072, 0.053, 0.100, 0.111, 0.340,
)
_SCALE = (
    0.240, 0.434, 0.214, 0.136, 0.250, 0.118, 0.118, 0.295, 0.131, 0.503,
    0.600, 0.682, 0.639, 0.591, 0.623, 0.638, 0.646, 0.191, 0.038, 0.044,
    0.062, 0.088, 0.099, 0.184, 0.028, 0.045, 0.029, 0.045, 0.017, 0.016,
    0.012, 0.016, 0.024, 0.028, 0.012, 0.011, 0.072, 0.067,
)
# fmt: on


def texture_v1(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe patches by colour and texture: protocol ``texture-v1``.

    Per patch: 9 colour moments of the optical density; log power in 8 rings of spatial frequency; shares
    of 7 classes of gradient size and of 4 gradient directions; shares of 10 local binary patterns. It
    sees stain, sharpness, grain, nuclear density and direction; it knows nothing of the shape of a
    nucleus or of diagnosis.

    Args:
        images: RGB, shape (N, S, S, 3), S of at least 16.

    Returns:
        Shape (N, 38), each feature centred and scaled by frozen numbers so that real H&E patches
        have a deviation of about 1.

    Source:
        Named at each part; the choice and the numbers are this suite's own.
    """
    features: NDArray[np.float64] = (texture_v1_raw(images) - np.array(_CENTRE)) / np.array(_SCALE)
    return features


EXTRACTORS: Mapping[str, Extractor] = MappingProxyType({"texture-v1": texture_v1})
"""Every protocol by its name, which is part of the metric's key."""
