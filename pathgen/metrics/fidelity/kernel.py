"""Kernel distance (KID): maximum mean discrepancy between two sets of feature vectors."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.metric import Metric

_BLOCK_ROWS = 2048


def _kernel_sum(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the sum of the kernel over all pairs, in blocks to bound memory."""
    total = 0.0
    for start in range(0, len(a), _BLOCK_ROWS):
        base = a[start : start + _BLOCK_ROWS] @ b.T
        base /= a.shape[1]
        base += 1.0
        # Multiplied out, because a power of an array takes many times as long.
        total += float(np.einsum("nm,nm,nm->", base, base, base))
    return total


def _diagonal_sum(a: NDArray[np.float64]) -> float:
    return float(((np.einsum("nd,nd->n", a, a) / a.shape[1] + 1.0) ** 3).sum())


def kernel_distance(features_a: NDArray[np.float64], features_b: NDArray[np.float64]) -> float:
    """Compute the unbiased squared maximum mean discrepancy with the cubic polynomial kernel.

    Args:
        features_a: Features of the first set, (N, D), N at least 2.
        features_b: Features of the second set, (M, D), M at least 2.

    Returns:
        The estimate. Its expectation is 0 for equal distributions of any size, so that it can be slightly
        negative.

    Source:
        Binkowski et al. 2018, kernel (x.y / D + 1)^3; unbiased estimator of Gretton et al. 2012, eq. 3.
    """
    n, m = len(features_a), len(features_b)
    within_a = (_kernel_sum(features_a, features_a) - _diagonal_sum(features_a)) / (n * (n - 1))
    within_b = (_kernel_sum(features_b, features_b) - _diagonal_sum(features_b)) / (m * (m - 1))
    return within_a + within_b - 2 * _kernel_sum(features_a, features_b) / (n * m)


METRIC = Metric(
    "kernel_{extractor}",
    "squared maximum mean discrepancy of the features with a cubic kernel (as in KID), unbiased",
    "lower",
    ("features",),
    lambda pair: kernel_distance(pair.original["features"], pair.other["features"]),
)
