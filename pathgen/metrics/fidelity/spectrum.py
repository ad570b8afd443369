"""How much detail at each scale: radially averaged power spectra and their distance."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.optical_density import optical_density

# Power below this (in squared optical density) is rounding of the 8-bit values, not tissue.
_POWER_FLOOR = 1e-6


def _ring_of(side_px: int, n_rings: int) -> NDArray[np.int64]:
    """Return each frequency's ring 0 ... n_rings - 1; the mean, which counts for none, gets n_rings."""
    frequency = np.fft.fftfreq(side_px)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    # Rings of equal width end at the Nyquist frequency 0.5. The corners beyond it belong to the last one:
    # a checkerboard, the commonest fault of transposed convolutions, lies exactly there.
    rings: NDArray[np.int64] = np.minimum(
        np.ceil(radius / (0.5 / n_rings) - 1e-9).astype(np.int64) - 1, n_rings - 1
    )
    rings[radius == 0] = n_rings
    return rings


def radial_power(images: NDArray[np.uint8], n_rings: int) -> NDArray[np.float64]:
    """Average the power spectrum of the mean optical density over rings of equal frequency.

    Args:
        images: RGB, shape (N, S, S, 3), S of at least 2 `n_rings`.
        n_rings: Rings from above 0 to the Nyquist frequency of 0.5 cycles per pixel; the last one takes the
            corners beyond it too.

    Returns:
        log10 of the mean power per ring, shape (N, n_rings), after removal of the mean and a Hann
        window (a patch's edges do not meet); powers below 1e-6 read -6.
    """
    side = images.shape[1]
    assert images.shape[2] == side and side >= 2 * n_rings, "square patches with a frequency per ring"
    grey = optical_density(images).mean(axis=3)  # (N, S, S)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    hann = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = np.outer(hann, hann)
    power = np.abs(np.fft.fft2(grey * window)) ** 2 / (window**2).sum()
    ring = _ring_of(side, n_rings).ravel()
    members = np.zeros((side * side, n_rings + 1))
    members[np.arange(side * side), ring] = 1.0
    mean_power = power.reshape(len(images), -1) @ (members / members.sum(axis=0))  # (N, n_rings + 1)
    logarithm: NDArray[np.float64] = np.log10(np.maximum(mean_power[:, :n_rings], _POWER_FLOOR))
    return logarithm


def spectrum_distance_db(spectra_a: NDArray[np.float64], spectra_b: NDArray[np.float64]) -> float:
    """Compare the mean spectra of two sets.

    Args:
        spectra_a: Of the first set, shape (N, rings), from `radial_power`.
        spectra_b: Of the second set, shape (M, rings).

    Returns:
        Root mean square over the rings of the difference of the sets' mean log spectra, in decibels.
        Blur shows as missing power in the outer rings, a checkerboard as too much.

    Source:
        After Durall et al. 2020 (azimuthal integral); the distance is this suite's own.
    """
    difference = 10.0 * (spectra_a.mean(axis=0) - spectra_b.mean(axis=0))
    return float(np.sqrt(np.mean(difference**2)))
