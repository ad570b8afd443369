"""Flips, quarter turns and translations of the discriminator's images.

Tissue has no preferred orientation or position. All transforms are matrices: differentiable to any order, and
exact where the matrix is a permutation.
"""

import torch

# Lobes of the Lanczos kernel; 3 is the usual compromise between sharpness and ringing.
_LOBES = 3.0


def shift_matrices(shifts: torch.Tensor, side: int) -> torch.Tensor:
    """Return matrices that shift a row of pixels, with Lanczos interpolation and reflection at the ends.

    Args:
        shifts: Shifts in px, (N,), at most `side`; positive values shift to larger indices.
        side: Length of the row, px.

    Returns:
        (N, side, side); rows sum to 1, and have a single 1 for integer shifts.
    """
    place = torch.arange(side, device=shifts.device, dtype=shifts.dtype)
    source = (place - shifts[:, None])[:, :, None]  # (N, side, 1): source of output pixel i
    weights = _lanczos(source - place)
    for reflected in (-1.0 - place, 2.0 * side - 1.0 - place):
        weights = weights + _lanczos(source - reflected)
    return weights / weights.sum(2, keepdim=True)


def _lanczos(distance: torch.Tensor) -> torch.Tensor:
    window = torch.sinc(distance) * torch.sinc(distance / _LOBES)
    # sinc of an integer is not exactly 0 in floating point; an integer shift must not change pixel values.
    whole = distance == distance.round()
    exact = torch.where(whole, (distance == 0).to(distance.dtype), window)
    return torch.where(distance.abs() < _LOBES, exact, 0.0)


def apply_matrices(
    images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, swap: torch.Tensor
) -> torch.Tensor:
    """Apply one matrix along each axis, then swap the axes of selected images.

    Args:
        images: (N, C, H, H).
        rows: (N, H, H), applied to each column of pixels.
        columns: (N, H, H), applied to each row of pixels.
        swap: Whether to swap the axes, bool (N,).

    Returns:
        (N, C, H, H).
    """
    moved = rows[:, None] @ images @ columns[:, None].transpose(2, 3)
    return torch.where(swap[:, None, None, None], moved.transpose(2, 3), moved)


def flipped(matrices: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
    """Reverse the order of the output pixels of selected matrices.

    Args:
        matrices: (N, H, H).
        choice: Which matrices, bool (N,).
    """
    return torch.where(choice[:, None, None], matrices.flip(1), matrices)


def turns_as_flips(turns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Express quarter turns as flips followed by a swap of the axes.

    Args:
        turns: Number of quarter turns clockwise, 0 to 3, (N,).

    Returns:
        Whether to flip the rows, whether to flip the columns, whether to swap the axes; (N,) bool each.
    """
    return (turns == 1) | (turns == 2), (turns == 2) | (turns == 3), (turns == 1) | (turns == 3)
