"""Distance between the colours of two sets."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.metric import Metric


def colour_histograms(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the histogram of grey levels of each image and channel.

    Args:
        images: RGB images, uint8 (N, H, W, 3).

    Returns:
        Share of the pixels at each level, (N, 3, 256).
    """
    n, height, width, _ = images.shape
    offset = (np.arange(n)[:, None, None, None] * 3 + np.arange(3)) * 256  # (N, 1, 1, 3)
    counts = np.bincount((images + offset).ravel(), minlength=n * 3 * 256)
    return np.asarray(counts.reshape(n, 3, 256) / (height * width))


def colour_distance(histograms_a: NDArray[np.float64], histograms_b: NDArray[np.float64]) -> float:
    """Compare the pooled colours of two sets.

    Args:
        histograms_a: Histograms of the first set, (N, 3, 256), from `colour_histograms`.
        histograms_b: Histograms of the second set, (M, 3, 256).

    Returns:
        First Wasserstein distance between the pixel values of the sets, mean over the channels, in grey
        levels (0 to 255); g for a uniform shift by g levels.

    Source:
        In one dimension, the distance is the area between the cumulative distributions (Vallender 1974).
    """
    gap = np.cumsum(histograms_a.mean(axis=0) - histograms_b.mean(axis=0), axis=1)  # (3, 256)
    return float(np.abs(gap).sum(axis=1).mean())


METRIC = Metric(
    "colour",
    "Wasserstein distance between the pooled pixel values, mean over the channels, in grey levels",
    "lower",
    ("colours",),
    lambda pair: colour_distance(pair.original["colours"], pair.other["colours"]),
)
