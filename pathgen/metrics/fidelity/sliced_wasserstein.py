"""Sliced Wasserstein distance between small neighbourhoods at several scales."""

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.fidelity.metric import Metric

# As Karras et al. 2018, who use 128 descriptors per image and scale, of larger images.
_NEIGHBOURHOOD_PX = 7
_DESCRIPTORS_PER_IMAGE = 8
_COARSEST_SIDE_PX = 16


def _halve(images: NDArray[np.float32]) -> NDArray[np.float32]:
    n, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    blocks = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float32))


def laplacian_pyramid(images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Compute the Laplacian pyramid of each image.

    Args:
        images: RGB images, uint8 (N, S, S, 3), S at least 7.

    Returns:
        Scales, finest first, in grey levels: the detail lost by each halving of the side, and last the
        remaining image with a side in [16, 32), or the image itself if S is below 32.

    Source:
        Burt and Adelson 1983, with 2x2 means instead of the Gaussian filter.
    """
    scales = []
    current = images.astype(np.float32)
    while current.shape[1] // 2 >= _COARSEST_SIDE_PX:
        coarse = _halve(current)
        raised = coarse.repeat(2, axis=1).repeat(2, axis=2)
        scales.append(current[:, : raised.shape[1], : raised.shape[2]] - raised)
        current = coarse
    return [*scales, current]


def draw_directions(n_projections: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw directions of projection, uniform on the unit sphere.

    Args:
        n_projections: Number of directions.
        rng: Random generator.

    Returns:
        Unit vectors, float32 (7 x 7 x 3, n_projections).
    """
    directions = rng.standard_normal((_NEIGHBOURHOOD_PX**2 * 3, n_projections))
    return np.asarray((directions / np.linalg.norm(directions, axis=0)).astype(np.float32))


def scale_deviations(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the standard deviation of each scale and channel, the unit of the distance, (scales, 3)."""
    deviations = [scale.std(axis=(0, 1, 2)) for scale in laplacian_pyramid(images)]
    # At least a thousandth of a grey level, so that uniform images do not lead to a division by 0.
    return np.asarray(np.maximum(np.stack(deviations), np.float32(1e-3)))


def project_neighbourhoods(
    images: NDArray[np.uint8],
    directions: NDArray[np.float32],
    deviations: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Project random neighbourhoods of each image and scale onto the directions.

    Args:
        images: RGB images, uint8 (N, S, S, 3).
        directions: Unit vectors from `draw_directions`, (147, P).
        deviations: Standard deviations from `scale_deviations` of the original set, (scales, 3); the same
            for all sets that are compared.
        rng: Random generator of the positions.

    Returns:
        Projections, float32 (N, scales, 8, P).
    """
    projected = []
    for scale, deviation in zip(laplacian_pyramid(images), deviations, strict=True):
        n, side = scale.shape[:2]
        corner = rng.integers(0, side - _NEIGHBOURHOOD_PX + 1, size=(2, n, _DESCRIPTORS_PER_IMAGE))
        step = np.arange(_NEIGHBOURHOOD_PX)
        rows = (corner[0][:, :, None] + step)[:, :, :, None]  # (N, 8, 7, 1)
        columns = (corner[1][:, :, None] + step)[:, :, None, :]  # (N, 8, 1, 7)
        image = np.arange(n)[:, None, None, None]
        descriptors = scale[image, rows, columns] / deviation  # (N, 8, 7, 7, 3)
        projected.append(descriptors.reshape(n, _DESCRIPTORS_PER_IMAGE, -1) @ directions)  # (N, 8, P)
    return np.stack(projected, axis=1)


def sliced_wasserstein(projected_a: NDArray[np.float32], projected_b: NDArray[np.float32]) -> float:
    """Average the one-dimensional Wasserstein distance over directions and scales.

    Args:
        projected_a: Projections of the first set, (N, scales, 8, P), from `project_neighbourhoods`.
        projected_b: Projections of the second set, same shape.

    Returns:
        Mean absolute difference of the sorted projections, in standard deviations of the original pixels
        at each scale.

    Source:
        Karras et al. 2018, section 5. Departures: both sets are divided by the standard deviation of the
        ORIGINALS and keep their mean (there, each set is normalised by itself, which hides a colour shift),
        and the scales are averaged.
    """
    assert projected_a.shape == projected_b.shape, "one projection of each set per pair of sorted values"
    n, scales, per_image, directions = projected_a.shape
    flat_a = projected_a.transpose(1, 3, 0, 2).reshape(scales, directions, n * per_image)
    flat_b = projected_b.transpose(1, 3, 0, 2).reshape(scales, directions, n * per_image)
    gap = np.sort(flat_a, axis=2) - np.sort(flat_b, axis=2)
    return float(np.abs(gap).mean(dtype=np.float64))


METRIC = Metric(
    "sliced_wasserstein",
    "sliced Wasserstein distance between 7 x 7 px neighbourhoods, in standard deviations of the originals",
    "lower",
    ("projections",),
    lambda pair: sliced_wasserstein(pair.original["projections"], pair.other["projections"]),
)
