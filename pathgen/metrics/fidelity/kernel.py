"""Kernel distance (KID): maximum mean discrepancy between two sets of feature vectors."""

import numpy as np
from numpy.typing import NDArray

_ROWS = 2048


def _kernel_sum(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the sum of the kernel over all pairs, in blocks so that memory stays bounded."""
    total = 0.0
    for start in range(0, len(a), _ROWS):
        base = a[start : start + _ROWS] @ b.T
        base /= a.shape[1]
        base += 1.0
        # Multiplied out: a power of an array costs many times as much.
        total += float(np.einsum("nm,nm,nm->", base, base, base))
    return total


def _diagonal_sum(a: NDArray[np.float64]) -> float:
    return float(((np.einsum("nd,nd->n", a, a) / a.shape[1] + 1.0) ** 3).sum())


def kernel_distance(features_a: NDArray[np.float64], features_b: NDArray[np.float64]) -> float:
    """Compute the unbiased squared maximum mean discrepancy with the cubic polynomial kernel.

    Args:
        features_a: First set, shape (N, D), N of at least 2.
        features_b: Second set, shape (M, D), M of at least 2.

    Returns:
        The estimate. Its expectation is 0 for equal distributions at any size, so that it may come
        out slightly negative.

    Source:
        Binkowski et al. 2018, kernel (x.y / D + 1)^3; unbiased estimator of Gretton et al. 2012, eq. 3.
    """
    n, m = len(features_a), len(features_b)
    within_a = (_kernel_sum(features_a, features_a) - _diagonal_sum(features_a)) / (n * (n - 1))
    within_b = (_kernel_sum(features_b, features_b) - _diagonal_sum(features_b)) / (m * (m - 1))
    return within_a + within_b - 2 * _kernel_sum(features_a, features_b) / (n * m)
