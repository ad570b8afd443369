"""Frechet distance between two sets of feature vectors."""

import numpy as np
from numpy.typing import NDArray


def _square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    # Rounding makes the zero eigenvalues of a singular covariance slightly negative.
    root: NDArray[np.float64] = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return root


def frechet_distance_of_moments(
    mean_a: NDArray[np.float64],
    covariance_a: NDArray[np.float64],
    mean_b: NDArray[np.float64],
    covariance_b: NDArray[np.float64],
) -> float:
    """Compute the squared Frechet distance between two Gaussians.

    Args:
        mean_a: Mean of the first, shape (D,).
        covariance_a: Covariance of the first, shape (D, D), symmetric.
        mean_b: Mean of the second, shape (D,).
        covariance_b: Covariance of the second, shape (D, D), symmetric.

    Returns:
        |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2)), at least 0.

    Source:
        Dowson and Landau 1982; as an image metric Heusel et al. 2017, eq. 6. The trace of the root is
        the sum of the roots of the eigenvalues of A^(1/2) B A^(1/2), which is symmetric: no matrix
        root of a product that is not.
    """
    root_a = _square_root(covariance_a)
    inner = root_a @ covariance_b @ root_a
    eigenvalues = np.linalg.eigvalsh((inner + inner.T) / 2)
    cross = np.sqrt(np.clip(eigenvalues, 0.0, None)).sum()
    shift = mean_a - mean_b
    distance = shift @ shift + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross
    return max(float(distance), 0.0)


def frechet_distance(features_a: NDArray[np.float64], features_b: NDArray[np.float64]) -> float:
    """Compute the squared Frechet distance between the Gaussians fitted to two sets.

    It depends on the number of vectors (fewer give a larger value): compare only at equal sizes.

    Args:
        features_a: First set, shape (N, D), N of at least 2.
        features_b: Second set, shape (M, D), M of at least 2.

    Returns:
        The distance, at least 0; 0 for equal means and covariances.

    Source:
        Heusel et al. 2017, eq. 6, with unbiased covariances, as its published code has it.
    """
    return frechet_distance_of_moments(
        features_a.mean(axis=0),
        np.cov(features_a, rowvar=False),
        features_b.mean(axis=0),
        np.cov(features_b, rowvar=False),
    )
