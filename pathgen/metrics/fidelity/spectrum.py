"""Distance between the power spectra of two sets: blur and checkerboard artefacts."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.metric import Metric


def spectrum_distance_db(spectra_a: NDArray[np.float64], spectra_b: NDArray[np.float64]) -> float:
    """Compare the mean power spectra of two sets.

    Args:
        spectra_a: Log10 power of the first set, (N, rings), from `radial_power`.
        spectra_b: Log10 power of the second set, (M, rings).

    Returns:
        Root mean square over the rings of the difference of the mean log spectra, in decibels. Blur lowers
        the power in the outer rings; a checkerboard raises it.

    Source:
        After Durall et al. 2020 (azimuthal integral); the distance is our own.
    """
    difference = 10.0 * (spectra_a.mean(axis=0) - spectra_b.mean(axis=0))
    return float(np.sqrt(np.mean(difference**2)))


METRIC = Metric(
    "spectrum_db",
    "root mean square difference of the mean power spectra over 8 frequency rings, in dB",
    "lower",
    ("spectra",),
    lambda pair: spectrum_distance_db(pair.original["spectra"], pair.other["spectra"]),
)
