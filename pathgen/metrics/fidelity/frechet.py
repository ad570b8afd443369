"""Frechet distance between two sets of feature vectors."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.metric import Metric


def _square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    # Rounding makes the zero eigenvalues of a singular covariance slightly negative.
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def frechet_distance(features_a: NDArray[np.float64], features_b: NDArray[np.float64]) -> float:
    """Compute the squared Frechet distance between the Gaussians fitted to two sets.

    The distance depends on the number of vectors (fewer vectors give a larger value), so compare distances
    only at equal sizes.

    Args:
        features_a: Features of the first set, (N, D), N at least 2.
        features_b: Features of the second set, (M, D), M at least 2.

    Returns:
        ``|mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2))`` with unbiased covariances A and B, at
        least 0.

    Source:
        Dowson and Landau 1982; as an image metric Heusel et al. 2017, eq. 6. The trace of the root is the
        sum of the square roots of the eigenvalues of A^(1/2) B A^(1/2), which is symmetric, so that the
        root of a non-symmetric matrix is not needed.
    """
    shift = features_a.mean(axis=0) - features_b.mean(axis=0)
    covariance_a, covariance_b = np.cov(features_a, rowvar=False), np.cov(features_b, rowvar=False)
    root_a = _square_root(covariance_a)
    inner = root_a @ covariance_b @ root_a
    eigenvalues = np.linalg.eigvalsh((inner + inner.T) / 2)
    cross = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    distance = shift @ shift + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross
    return max(float(distance), 0.0)


METRIC = Metric(
    "frechet_{extractor}",
    "squared Frechet distance between Gaussians fitted to the features",
    "lower",
    ("features",),
    lambda pair: frechet_distance(pair.original["features"], pair.other["features"]),
)
