"""Adaptive discriminator augmentation (ADA): the probability of the transforms follows the overfitting.

Tissue has no preferred orientation or position. Flips, quarter turns and translations are matrices:
differentiable to any order, and exact where the matrix is a permutation.

Source: Karras et al. 2020, ADA (arXiv 2006.06676, sections 2 and 3).
"""

import functools
from typing import Any

import torch

from pathgen.training.augmentation import restained

# Steps between two updates of the probability.
INTERVAL = 4
# Above this probability the transforms leak into the generated images (paper, section 2.2).
LIMIT = 0.8
# Lobes of the Lanczos kernel; 3 is the usual compromise between sharpness and ringing.
_LOBES = 3.0
_WHOLE_SHIFT = 0.125  # maximum, relative to the side
_SHIFT_STD = 0.125  # relative to the side; clipped at three standard deviations
_STAIN_STD = (0.1, 0.1, 0.0)  # of the logarithm of the factors: haematoxylin, eosin, remainder
_OFFSET_STD = (0.02, 0.02, 0.0)  # optical density


def shift_matrices(shifts: torch.Tensor, side: int) -> torch.Tensor:
    """Return matrices (N, side, side) that shift a row of pixels to larger indices, reflected at its ends.

    Args:
        shifts: Shifts in px, (N,), at most `side`; integer shifts are exact, others Lanczos interpolations.
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
    """Reverse the order of the output pixels of matrices (N, H, H) where `choice`, bool (N,), is true."""
    return torch.where(choice[:, None, None], matrices.flip(1), matrices)


def turns_as_flips(turns: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Express quarter turns as flips followed by a swap of the axes.

    Args:
        turns: Number of quarter turns clockwise, 0 to 3, (N,).

    Returns:
        Whether to flip the rows, whether to flip the columns, whether to swap the axes; bool (N,) each.
    """
    return (turns == 1) | (turns == 2), (turns == 2) | (turns == 3), (turns == 1) | (turns == 3)


def augment(images: torch.Tensor, chance: float, rng: torch.Generator) -> torch.Tensor:
    """Apply randomly chosen transforms to each image.

    Args:
        images: (N, 3, H, H), about [-1, 1].
        chance: Probability of each transform, independent for each image; 0 returns the images unchanged.
        rng: Random generator on the device of the images; its draws do not depend on `chance`.

    Returns:
        (N, 3, H, H).
    """
    if chance == 0.0:
        return images
    side, device = images.shape[2], images.device
    count = len(images)
    # One row per transform: flip, turn, whole shift, fractional shift, stain.
    chosen = torch.rand(5, count, generator=rng, device=device) < chance
    flip = (torch.rand(count, generator=rng, device=device) < 0.5) & chosen[0]
    turns = torch.randint(4, (count,), generator=rng, device=device) * chosen[1]
    whole = (torch.rand(2, count, generator=rng, device=device) * 2 - 1) * (_WHOLE_SHIFT * side)
    far = torch.randn(2, count, generator=rng, device=device)
    part = far.clamp(-3.0, 3.0) * (_SHIFT_STD * side)
    stain = torch.randn(2, count, 3, generator=rng, device=device)
    shifts = whole.round() * chosen[2] + part * chosen[3]  # (2, N): down, right
    rows, columns = shift_matrices(shifts[0], side), shift_matrices(shifts[1], side)
    flip_rows, flip_columns, swap = turns_as_flips(turns)
    rows, columns = flipped(rows, flip_rows), flipped(columns, flip ^ flip_columns)
    moved = apply_matrices(images, rows, columns, swap)
    factors = (stain[0] * _constant(_STAIN_STD, device)).exp()
    offsets = stain[1] * _constant(_OFFSET_STD, device)
    return torch.where(chosen[4, :, None, None, None], restained(moved, factors, offsets), moved)


@functools.cache
def _constant(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Return constants as a cached tensor: a GPU would wait for the copy each time."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device)


class AdaptiveAugmentation:
    """Probability of each transform, updated every `INTERVAL` steps towards a target of a statistic.

    The statistic is the mean sign of the discriminator's logits of augmented originals: 0 without
    overfitting, 1 with complete overfitting.
    """

    def __init__(self, *, target: float, kimg: float, batch_size: int) -> None:
        """Start with a probability of 0.

        Args:
            target: Target of the mean sign; 0: no augmentation.
            kimg: Thousands of images in which the probability can rise from 0 to 1.
            batch_size: Original images per step.
        """
        self.chance = 0.0
        self.sign = 0.0
        self._target = target
        self._increment = INTERVAL * batch_size / (kimg * 1000.0)
        self._signs: list[torch.Tensor] = []

    def update(self, logits: torch.Tensor) -> None:
        """Record the logits of one step; update the probability every `INTERVAL` steps.

        Args:
            logits: Logits of augmented originals, (N,).
        """
        if self._target == 0.0:
            return
        self._signs.append(logits.detach().sign().mean())
        if len(self._signs) == INTERVAL:
            self.sign = sum(float(sign) for sign in self._signs) / INTERVAL
            self._signs = []
            step = self._increment if self.sign > self._target else -self._increment
            self.chance = min(max(self.chance + step, 0.0), LIMIT)

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        return {"chance": self.chance, "sign": self.sign, "signs": self._signs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        self.chance, self.sign, self._signs = state["chance"], state["sign"], state["signs"]
