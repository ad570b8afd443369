"""Adaptive discriminator augmentation (ADA): the probability of the transforms follows the overfitting.

Source: Karras et al. 2020, ADA (arXiv 2006.06676, sections 2 and 3).
"""

import functools
from typing import Any

import torch

from pathgen.gan.augment_pipe import apply_matrices, flipped, shift_matrices, turns_as_flips
from pathgen.training.augmentation import restained

# Steps between two updates of the probability.
INTERVAL = 4
# Above this probability the transforms leak into the generated images (paper, section 2.2).
LIMIT = 0.8
_WHOLE_SHIFT = 0.125  # maximum, relative to the side
_SHIFT_STD = 0.125  # relative to the side; clipped at three standard deviations
_STAIN_STD = (0.1, 0.1, 0.0)  # of the logarithm of the factors: haematoxylin, eosin, remainder
_OFFSET_STD = (0.02, 0.02, 0.0)  # optical density


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
