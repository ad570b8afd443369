"""The eight symmetries of a square (D4), and the largest correlation over them by about 1.5 products.

A square image is the sum of an even and an odd part in its rows, and each of these is the sum of an even and
an odd part in its columns: four orthogonal parts. Mirroring changes the signs of two of them. Swapping rows
and columns transposes them, and the parts of equal parity split further into symmetric and antisymmetric
matrices, of which transposition changes one sign. So sums of the products of the parts give the correlations
in all eight orientations, instead of eight products of whole images.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

SYMMETRIES = 8
_HALF = np.float32(np.sqrt(0.5))


def apply_symmetry(images: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Rotate and mirror patches.

    Args:
        images: Square patches, (..., S, S, 3).
        symmetry: Number of quarter turns, 0 to 3; 4 to 7 also mirror. 0 is the identity.

    Returns:
        View or copy of the same shape.
    """
    quarter = np.rot90(images, symmetry % 4, axes=(-3, -2))
    return quarter[..., ::-1, :] if symmetry >= 4 else quarter


def _even_and_odd(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split an axis of length S into ceil(S / 2) even and floor(S / 2) odd orthonormal components."""
    at_axis = (slice(None),) * axis
    side = values.shape[axis]
    first = values[(*at_axis, slice(0, side // 2))]
    last = np.flip(values[(*at_axis, slice(side - side // 2, side))], axis)
    even, odd = (first + last) * _HALF, (first - last) * _HALF
    if side % 2:
        even = np.concatenate([even, values[(*at_axis, slice(side // 2, side // 2 + 1))]], axis)
    return even, odd


def _split_square(parts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Split matrices (N, h, h, C) into symmetric (N, h(h+1)/2 C) and antisymmetric parts (N, h(h-1)/2 C)."""
    count, side, _, channels = parts.shape
    places = np.arange(side * side * channels).reshape(side, side, channels)
    row, column = np.triu_indices(side, 1)
    flat = parts.reshape(count, -1)
    # `take` on flat rows, because indexing by row and column takes ten times as long.
    upper = flat.take(places[row, column].ravel(), axis=1)
    lower = flat.take(places[column, row].ravel(), axis=1)
    diagonal = flat.take(places[range(side), range(side)].ravel(), axis=1)
    return np.concatenate([diagonal, (upper + lower) * _HALF], axis=1), (upper - lower) * _HALF


def parity_parts(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Split images into their parts; norms and inner products of the rows are those of the images.

    Args:
        images: Square images, (N, S, S, C).

    Returns:
        Parts, concatenated, (N, S * S * C): even-even symmetric, even-even antisymmetric, odd-odd symmetric,
        odd-odd antisymmetric, even-odd, odd-even transposed. `part_sizes` gives their lengths.
    """
    even, odd = _even_and_odd(images, 1)
    (even_even, even_odd), (odd_even, odd_odd) = _even_and_odd(even, 2), _even_and_odd(odd, 2)
    count = len(images)
    return np.concatenate(
        [
            *_split_square(even_even),
            *_split_square(odd_odd),
            even_odd.reshape(count, -1),
            odd_even.transpose(0, 2, 1, 3).reshape(count, -1),
        ],
        axis=1,
    )


def part_sizes(side: int, channels: int) -> list[int]:
    """Return the lengths of the six parts of `parity_parts` in a row."""
    even, odd = side - side // 2, side // 2
    symmetric = [size * (size + sign) // 2 for size in (even, odd) for sign in (1, -1)]
    return [size * channels for size in (*symmetric, even * odd, even * odd)]


def best_orientation(left: torch.Tensor, right: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Compute the largest inner product of each pair of images over all orientations.

    Args:
        left: Parts from `parity_parts`, (L, D).
        right: Parts from `parity_parts`, (R, D).
        sizes: Lengths from `part_sizes`.

    Returns:
        Largest inner product of the left image with the rotated or mirrored right one, (L, R).
    """
    l_parts, r_parts = torch.split(left, sizes, 1), [part.T for part in torch.split(right, sizes, 1)]

    def over_mirrorings(same: torch.Tensor, mixed: torch.Tensor, i: int, j: int) -> torch.Tensor:
        # Largest value of same + s t mixed + t columns + s rows over the signs s and t.
        columns, rows = l_parts[4] @ r_parts[i], l_parts[5] @ r_parts[j]
        equal_signs = (columns + rows).abs_().add_(mixed)
        opposite_signs = columns.sub_(rows).abs_().sub_(mixed)
        return torch.maximum(equal_signs, opposite_signs, out=equal_signs).add_(same)

    symmetric, antisymmetric = l_parts[0] @ r_parts[0], l_parts[1] @ r_parts[1]
    mixed_symmetric, mixed_antisymmetric = l_parts[2] @ r_parts[2], l_parts[3] @ r_parts[3]
    best = over_mirrorings(symmetric + antisymmetric, mixed_symmetric + mixed_antisymmetric, 4, 5)
    swapped = over_mirrorings(symmetric.sub_(antisymmetric), mixed_symmetric.sub_(mixed_antisymmetric), 5, 4)
    return torch.maximum(best, swapped, out=best)
