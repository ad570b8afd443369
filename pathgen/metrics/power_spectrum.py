"""Radially averaged power spectra: how much detail patches have at each scale."""

import numpy as np
from numpy.typing import NDArray

from pathgen.core.optical_density import optical_density

# Power below this, in squared optical density, is rounding error of 8-bit values, not tissue.
_POWER_FLOOR = 1e-6


def _ring_of(side_px: int, n_rings: int) -> NDArray[np.int64]:
    """Return the ring, 0 to n_rings - 1, of each frequency; n_rings for frequency 0, which is left out."""
    frequency = np.fft.fftfreq(side_px)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    # Rings of equal width end at the Nyquist frequency, 0.5. The corners beyond it belong to the last ring:
    # a checkerboard, the most common artefact of transposed convolutions, lies there.
    rings: NDArray[np.int64] = np.minimum(
        np.ceil(radius / (0.5 / n_rings) - 1e-9).astype(np.int64) - 1, n_rings - 1
    )
    rings[radius == 0] = n_rings
    return rings


def radial_power(images: NDArray[np.uint8], n_rings: int) -> NDArray[np.float64]:
    """Average the power spectrum of the mean optical density over rings of equal frequency.

    Args:
        images: RGB patches, uint8 (N, S, S, 3), S at least 2 `n_rings`.
        n_rings: Number of rings between 0 and the Nyquist frequency of 0.5 cycles per pixel; the last ring
            includes the corners beyond it.

    Returns:
        log10 of the mean power per ring, (N, n_rings), after subtraction of the mean and a Hann window
        (opposite edges of a patch do not match). Powers below 1e-6 give -6.
    """
    side = images.shape[1]
    assert images.shape[2] == side and side >= 2 * n_rings, "square patches with a frequency per ring"
    grey = optical_density(images).mean(axis=3)  # (N, S, S)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    hann = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = np.outer(hann, hann)
    power = np.abs(np.fft.fft2(grey * window)) ** 2 / (window**2).sum()
    ring = _ring_of(side, n_rings).ravel()
    in_ring = np.zeros((side * side, n_rings + 1))
    in_ring[np.arange(side * side), ring] = 1.0
    mean_power = power.reshape(len(images), -1) @ (in_ring / in_ring.sum(axis=0))  # (N, n_rings + 1)
    return np.asarray(np.log10(np.maximum(mean_power[:, :n_rings], _POWER_FLOOR)))
