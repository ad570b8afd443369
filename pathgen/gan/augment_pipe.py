"""Flips, quarter turns and translations that a discriminator may be shown instead of the patches themselves.

Tissue has no up and no left, and lies anywhere on the grid. All are matrices, so they have derivatives of
every order, and exact results where the matrix is a permutation.
"""

import torch

# Lobes of the interpolation; 3 is the usual compromise of sharpness and ringing.
_LOBES = 3.0


def shift_matrices(shifts: torch.Tensor, side: int) -> torch.Tensor:
    """Return matrices that move a row of pixels, with Lanczos interpolation and reflection at the ends.

    Args:
        shifts: (N,) in px, at most `side`; positive moves the content to larger indices.
        side: Length of the row, px.

    Returns:
        (N, side, side), to multiply columns by; rows sum to 1, and hold a single 1 for whole `shifts`.
    """
    place = torch.arange(side, device=shifts.device, dtype=shifts.dtype)
    source = (place - shifts[:, None])[:, :, None]  # (N, side, 1): where output pixel i looks
    weights = _lanczos(source - place)
    for mirrored in (-1.0 - place, 2.0 * side - 1.0 - place):
        weights = weights + _lanczos(source - mirrored)
    return weights / weights.sum(2, keepdim=True)


def _lanczos(distance: torch.Tensor) -> torch.Tensor:
    window = torch.sinc(distance) * torch.sinc(distance / _LOBES)
    # sinc of a whole number is not quite 0 in floating point; a whole shift shall move pixels unchanged.
    whole = distance == distance.round()
    exact = torch.where(whole, (distance == 0).to(distance.dtype), window)
    return torch.where(distance.abs() < _LOBES, exact, 0.0)


def placed(
    images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, swap: torch.Tensor
) -> torch.Tensor:
    """Apply one matrix along each axis, then swap the axes where asked for.

    Args:
        images: (N, C, H, H).
        rows: (N, H, H), applied to each column of pixels.
        columns: (N, H, H), applied to each row of pixels.
        swap: (N,) bool.

    Returns:
        (N, C, H, H).
    """
    moved = rows[:, None] @ images @ columns[:, None].transpose(2, 3)
    return torch.where(swap[:, None, None, None], moved.transpose(2, 3), moved)


def mirrored(matrices: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
    """Reverse the order of the output pixels where chosen.

    Args:
        matrices: (N, H, H).
        choice: (N,) bool.
    """
    return torch.where(choice[:, None, None], matrices.flip(1), matrices)


def as_flips(turns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return quarter turns as flips, then a swap of the axes.

    Args:
        turns: (N,), 0 to 3 quarter turns clockwise.

    Returns:
        Whether to flip the rows, whether to flip the columns, whether to swap the axes; (N,) bool each.
    """
    return (turns == 1) | (turns == 2), (turns == 2) | (turns == 3), (turns == 1) | (turns == 3)
