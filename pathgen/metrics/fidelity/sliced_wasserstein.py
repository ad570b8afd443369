"""Sliced Wasserstein distance between small neighbourhoods at several scales; needs no trained network."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURHOOD_PX = 7
"""Side of a descriptor, as Karras et al. 2018 have it."""
DESCRIPTORS_PER_IMAGE = 8
"""Descriptors drawn from each image at each scale (Karras et al. take 128 of larger images)."""
SMALLEST_SIDE_PX = 16
"""Side of the coarsest scale, as Karras et al. 2018 have it."""


def _halve(images: NDArray[np.float32]) -> NDArray[np.float32]:
    n, height, width, channels = images.shape
    even = images[:, : height // 2 * 2, : width // 2 * 2]
    blocks = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    halved: NDArray[np.float32] = blocks.mean(axis=(2, 4), dtype=np.float32)
    return halved


def laplacian_pyramid(images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Split images into scales: detail lost by each halving, and what remains at the end.

    Args:
        images: RGB, shape (N, S, S, 3), S of at least 7.

    Returns:
        Finest first; the detail at sides S, S/2, ..., the last entry the remaining image with a side
        in [16, 32), or the image itself when S is below 32. Grey levels.

    Source:
        Burt and Adelson 1983, with 2x2 means for the Gaussian filter.
    """
    scales = []
    current = images.astype(np.float32)
    while current.shape[1] // 2 >= SMALLEST_SIDE_PX:
        coarse = _halve(current)
        raised = coarse.repeat(2, axis=1).repeat(2, axis=2)
        scales.append(current[:, : raised.shape[1], : raised.shape[2]] - raised)
        current = coarse
    return [*scales, current]


def draw_directions(n_projections: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw unit vectors in the space of descriptors, uniform on the sphere.

    Args:
        n_projections: How many.
        rng: Source of the draws.

    Returns:
        Shape (7 x 7 x 3, n_projections).
    """
    directions = rng.standard_normal((NEIGHBOURHOOD_PX**2 * 3, n_projections))
    unit: NDArray[np.float32] = (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)
    return unit


def scale_deviations(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the standard deviation per scale and channel, shape (scales, 3): the unit of the distance."""
    deviations = [scale.std(axis=(0, 1, 2)) for scale in laplacian_pyramid(images)]
    # An even image has no deviation; a thousandth of a grey level keeps the division finite.
    unit: NDArray[np.float32] = np.maximum(np.stack(deviations), np.float32(1e-3))
    return unit


def project_neighbourhoods(
    images: NDArray[np.uint8],
    directions: NDArray[np.float32],
    deviations: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Project neighbourhoods drawn from each image at each scale onto every direction.

    Args:
        images: RGB, shape (N, S, S, 3).
        directions: From `draw_directions`, shape (147, P).
        deviations: From `scale_deviations` of the original set, shape (scales, 3); the same for every
            set that is compared.
        rng: Source of the places.

    Returns:
        Shape (N, scales, 8, P).
    """
    projected = []
    for scale, deviation in zip(laplacian_pyramid(images), deviations, strict=True):
        n, side = scale.shape[:2]
        corner = rng.integers(0, side - NEIGHBOURHOOD_PX + 1, size=(2, n, DESCRIPTORS_PER_IMAGE))
        step = np.arange(NEIGHBOURHOOD_PX)
        rows = (corner[0][:, :, None] + step)[:, :, :, None]  # (N, 8, 7, 1)
        columns = (corner[1][:, :, None] + step)[:, :, None, :]  # (N, 8, 1, 7)
        image = np.arange(n)[:, None, None, None]
        descriptors = scale[image, rows, columns] / deviation  # (N, 8, 7, 7, 3)
        projected.append(descriptors.reshape(n, DESCRIPTORS_PER_IMAGE, -1) @ directions)  # (N, 8, P)
    return np.stack(projected, axis=1)


def sliced_wasserstein(projected_a: NDArray[np.float32], projected_b: NDArray[np.float32]) -> float:
    """Average the one-dimensional Wasserstein distance over directions and scales.

    Args:
        projected_a: Of the first set, shape (N, scales, 8, P), from `project_neighbourhoods`.
        projected_b: Of the second set, same shape.

    Returns:
        Mean absolute difference of the sorted projections, in standard deviations of the originals'
        pixels at each scale.

    Source:
        Karras et al. 2018, section 5. Departures: both sets are divided by the ORIGINALS' deviation
        and keep their mean (there each set is normalised by itself, which hides a colour shift), and
        the scales are averaged.
    """
    assert projected_a.shape == projected_b.shape, "sorted values are paired"
    n, scales, per_image, directions = projected_a.shape
    flat_a = projected_a.transpose(1, 3, 0, 2).reshape(scales, directions, n * per_image)
    flat_b = projected_b.transpose(1, 3, 0, 2).reshape(scales, directions, n * per_image)
    gap = np.sort(flat_a, axis=2) - np.sort(flat_b, axis=2)
    return float(np.abs(gap).mean(dtype=np.float64))
