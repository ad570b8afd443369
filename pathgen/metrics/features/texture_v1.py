"""Feature extractor ``texture-v1``: colour and texture statistics of a patch."""

import numpy as np
from numpy.typing import NDArray

from pathgen.core.optical_density import optical_density
from pathgen.metrics.power_spectrum import radial_power

_RINGS = 8
_GRADIENT_EDGES = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def _colour_moments(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean, SD and cube root of the third central moment per channel (Stricker and Orengo 1995)."""
    mean = density.mean(axis=(1, 2))  # (N, 3)
    centred = density - mean[:, None, None, :]
    squared = centred * centred
    deviation = np.sqrt(squared.mean(axis=(1, 2)))
    skew = np.cbrt((squared * centred).mean(axis=(1, 2)))
    return np.concatenate([mean, deviation, skew], axis=1)  # (N, 9)


def _gradient_histograms(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares of 7 gradient magnitudes and 4 gradient directions (after Dalal and Triggs 2005)."""
    across = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    size = np.hypot(across, down)
    size_class = np.searchsorted(_GRADIENT_EDGES, size)
    sizes = np.stack([(size_class == c).mean(axis=(1, 2)) for c in range(len(_GRADIENT_EDGES) + 1)], axis=1)
    # Bins are centred on the axes and the diagonals, so that edges along an axis fall into one bin.
    direction = np.floor(np.arctan2(down, across) / (np.pi / 4) + 0.5).astype(np.int64) % 4
    energy = np.stack([np.where(direction == d, size, 0.0).sum(axis=(1, 2)) for d in range(4)], axis=1)
    total = energy.sum(axis=1, keepdims=True)
    directions = np.where(total > 0, energy / np.where(total > 0, total, 1.0), 0.25)
    return np.concatenate([sizes, directions], axis=1)  # (N, 11)


def _binary_patterns(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the shares of the 10 rotation-invariant uniform local binary patterns (Ojala et al. 2002)."""
    grey = images.sum(axis=3, dtype=np.int64)  # integers, so that comparisons are exact
    height, width = grey.shape[1:]
    centre = grey[:, 1:-1, 1:-1]
    bits = np.stack(
        [grey[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx] >= centre for dy, dx in _NEIGHBOURS]
    )  # (8, N, H - 2, W - 2)
    changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, bits.sum(axis=0), 9)
    return np.stack([(pattern == p).mean(axis=(1, 2)) for p in range(10)], axis=1)  # (N, 10)


def texture_v1_raw(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the 38 features of `texture_v1` in their own units, (N, 38)."""
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
# Mean and standard deviation of `texture_v1_raw` over 1,000 PatchCamelyon patches (CC0) of 96 x 96 px at 10x.
# They are the same for every study.
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
    """Describe patches by colour and texture.

    Per patch: 9 colour moments of the optical density; log power in 8 rings of spatial frequency; shares of 7
    classes of gradient magnitude and of 4 gradient directions; shares of 10 local binary patterns. The
    features capture stain, sharpness, grain, nuclear density and orientation, but not the shape of nuclei.

    Args:
        images: RGB patches, uint8 (N, S, S, 3), S at least 16.

    Returns:
        Features, float64 (N, 38), centred and scaled by constants so that the standard deviation of each
        over H&E patches is about 1.

    Source:
        The papers named at each part; the selection and the constants are our own.
    """
    return np.asarray((texture_v1_raw(images) - np.array(_CENTRE)) / np.array(_SCALE))
