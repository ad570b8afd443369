"""Kernel density estimates on the principal axes of the reference patches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.privacy.neighbours import one_thread_each

# Maximum number of axes; fewer if there are fewer patches.
_N_AXES = 64
# More patches change the axes little and take most of the time.
_FITTED_ON = 2000
_AT_A_TIME = 512
# Narrower than the distances between originals, so that copies stand out; wide enough for several neighbours.
_BANDWIDTH = 1 / 3


@dataclass(frozen=True)
class Projection:
    """Principal axes of the reference patches.

    Attributes:
        mean: Mean patch, float32 (D,).
        axes: Orthonormal axes by descending variance, float32 (D, d).
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def coordinates(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Project patches (N, S, S, 3) onto the axes, in grey levels per pixel, float32 (N, d)."""
        # Distances are root mean square differences, as for L2.
        scale = np.float32(1 / np.sqrt(len(self.mean)))
        axes = torch.from_numpy(self.axes)

        def along(start: int) -> NDArray[np.float32]:
            chunk = images[start : start + _AT_A_TIME]
            rows = torch.from_numpy(chunk.reshape(len(chunk), -1) - self.mean)
            return np.asarray((rows @ axes).numpy() * scale)

        return _over_chunks(len(images), along)


def _over_chunks(count: int, work: Callable[[int], NDArray[np.float32]]) -> NDArray[np.float32]:
    with one_thread_each() as pool:
        return np.concatenate(list(pool.map(work, range(0, count, _AT_A_TIME))))


@one_thread_each()
def fit_projection(reference: NDArray[np.uint8]) -> Projection:
    """Compute the principal axes of the first 2,000 reference patches.

    Args:
        reference: Reference patches in random order, uint8 (N, S, S, 3). Members and non-members are not
            used, so that the axes favour neither.

    Returns:
        The projection.
    """
    fitted = reference[:_FITTED_ON]
    rows = fitted.reshape(len(fitted), -1).astype(np.float32)
    mean = rows.mean(axis=0)
    centred = torch.from_numpy(rows - mean)
    # From the Gram matrix, because there are fewer patches than values.
    variance, weights = torch.linalg.eigh((centred @ centred.T).double())
    kept = torch.arange(len(rows) - 1, max(len(rows) - 1 - _N_AXES, 0), -1)
    kept = kept[variance[kept] > 1e-6 * variance[-1]]
    axes = centred.T @ (weights[:, kept] / variance[kept].sqrt()).float()
    return Projection(mean, np.asarray(axes.contiguous().numpy()))


def _of_distances(
    points: NDArray[np.float32],
    sample: NDArray[np.float32],
    function: Callable[[torch.Tensor], torch.Tensor],
) -> NDArray[np.float64]:
    """Apply a function to the squared distances (points, sample) in chunks of points."""
    all_of = torch.from_numpy(sample)

    def of_chunk(start: int) -> NDArray[np.float32]:
        few = torch.from_numpy(points[start : start + _AT_A_TIME])
        squared = (few * few).sum(1)[:, None] + (all_of * all_of).sum(1) - 2 * (few @ all_of.T)
        return np.asarray(function(squared.clamp_(min=0.0)).numpy())

    return _over_chunks(len(points), of_chunk).astype(np.float64)


def nearest_distance(points: NDArray[np.float32], sample: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the distance of each point to the nearest point of a sample, (P,)."""
    return _of_distances(points, sample, lambda squared: squared.amin(1).sqrt())


def share_within(
    points: NDArray[np.float32], sample: NDArray[np.float32], radius: float
) -> NDArray[np.float64]:
    """Return the share of a sample within a radius of each point, (P,)."""
    return _of_distances(points, sample, lambda squared: (squared <= radius**2).float().mean(1))


def log_density(
    points: NDArray[np.float32], sample: NDArray[np.float32], bandwidth: float
) -> NDArray[np.float64]:
    """Estimate the log density of a sample at each point with a Gaussian kernel.

    Args:
        points: Points, (P, d).
        sample: Sample, (Q, d).
        bandwidth: Standard deviation of the kernel, above 0.

    Returns:
        Natural logarithm of the mean kernel value without the constant of normalisation, (P,). The values
        stay logarithms, because far from the sample all kernel values would underflow to 0 and tie.
    """
    found = _of_distances(
        points, sample, lambda squared: torch.logsumexp(squared.mul_(-0.5 / bandwidth**2), 1)
    )
    return found - float(np.log(len(sample)))


def density_ratio(
    points: NDArray[np.float32], synthetic: NDArray[np.float32], reference: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Compute the log ratio of the densities of synthetic and reference patches at each point.

    Args:
        points: Points, (P, d).
        synthetic: Coordinates of the synthetic patches, (Q, d).
        reference: Coordinates of the reference patches, (R, d).

    Returns:
        ``log p_S(x) - log p_R(x)``, (P,). Both use one bandwidth: a third of the median distance between a
        point and its nearest reference patch.

    Source:
        van Breugel et al. 2023 (DOMIAS), eq. 2, with kernel densities.
    """
    gap = float(np.median(nearest_distance(points, reference)))
    bandwidth = max(gap * _BANDWIDTH, 1e-3)
    return log_density(points, synthetic, bandwidth) - log_density(points, reference, bandwidth)
