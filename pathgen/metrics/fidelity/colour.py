"""Distance between the colours of two sets."""

import numpy as np
from numpy.typing import NDArray


def colour_histograms(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Count each image's grey levels per channel.

    Args:
        images: RGB, shape (N, H, W, 3).

    Returns:
        Share of the pixels at each level, shape (N, 3, 256); each row of 256 sums to 1.
    """
    n, height, width, _ = images.shape
    offset = (np.arange(n)[:, None, None, None] * 3 + np.arange(3)) * 256  # (N, 1, 1, 3)
    counts = np.bincount((images + offset).ravel(), minlength=n * 3 * 256)
    shares: NDArray[np.float64] = counts.reshape(n, 3, 256) / (height * width)
    return shares


def colour_distance(histograms_a: NDArray[np.float64], histograms_b: NDArray[np.float64]) -> float:
    """Compare the pooled colours of two sets.

    Args:
        histograms_a: Of the first set, shape (N, 3, 256), from `colour_histograms`.
        histograms_b: Of the second set, shape (M, 3, 256).

    Returns:
        First Wasserstein distance between the sets' pixel values, mean of the three channels, in grey
        levels (0 to 255): a uniform shift by g levels reads g.

    Source:
        In one dimension the distance is the area between the cumulative distributions (Vallender 1974).
    """
    gap = np.cumsum(histograms_a.mean(axis=0) - histograms_b.mean(axis=0), axis=1)  # (3, 256)
    return float(np.abs(gap).sum(axis=1).mean())
