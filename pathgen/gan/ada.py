"""Adaptive discriminator augmentation: transforms applied with a chance that follows the overfitting.

Source: Karras et al. 2020, ADA (arXiv 2006.06676, sections 2 and 3).
"""

import functools
from typing import Any

import torch

from pathgen.gan.augment_pipe import as_flips, mirrored, placed, shift_matrices
from pathgen.training.augmentation import restained

# Steps between two corrections of the chance.
INTERVAL = 4
# Above it a generator begins to show the transforms themselves (paper, section 2.2).
LIMIT = 0.8
_WHOLE_SHIFT = 0.125  # of the side, at most
_SHIFT_STD = 0.125  # of the side; cut at three times
_STAIN_STD = (0.1, 0.1, 0.0)  # of the logarithm of the factors: haematoxylin, eosin, remainder
_OFFSET_STD = (0.02, 0.02, 0.0)  # optical density


def augmented(images: torch.Tensor, chance: float, rng: torch.Generator) -> torch.Tensor:
    """Show each image through randomly chosen transforms.

    Args:
        images: (N, 3, H, H), about [-1, 1].
        chance: Of each transform, for each image on its own; 0 returns the images as they are.
        rng: On the device of the images. Each image takes the same draws whatever the chance.

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
    flip_rows, flip_columns, swap = as_flips(turns)
    rows, columns = mirrored(rows, flip_rows), mirrored(columns, flip ^ flip_columns)
    moved = placed(images, rows, columns, swap)
    factors = (stain[0] * _kept(_STAIN_STD, device)).exp()
    offsets = stain[1] * _kept(_OFFSET_STD, device)
    return torch.where(chosen[4, :, None, None, None], restained(moved, factors, offsets), moved)


@functools.cache
def _kept(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Return constants as a tensor: kept, as a GPU would wait for them each time."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device)


class AdaptiveAugmentation:
    """The chance of each transform, corrected every `INTERVAL` steps so that a statistic meets its target.

    The statistic is the mean sign of the discriminator's logits of augmented originals: 0 when it is
    undecided, 1 when it knows each of them. A state to be kept over a kill.
    """

    def __init__(self, *, target: float, kimg: float, batch_size: int) -> None:
        """Start with a chance of 0.

        Args:
            target: Of the mean sign; 0 never augments.
            kimg: Thousands of images in which the chance would go from 0 to 1.
            batch_size: Originals per step.
        """
        self.chance = 0.0
        self.sign = 0.0
        self._target = target
        self._correction = INTERVAL * batch_size / (kimg * 1000.0)
        self._signs: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor) -> None:
        """Count one step, and correct the chance when it is time.

        Args:
            logits: (N,) of augmented originals.
        """
        if self._target == 0.0:
            return
        self._signs.append(logits.detach().sign().mean())
        if len(self._signs) == INTERVAL:
            self.sign = sum(float(sign) for sign in self._signs) / INTERVAL
            self._signs = []
            step = self._correction if self.sign > self._target else -self._correction
            self.chance = min(max(self.chance + step, 0.0), LIMIT)

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes."""
        return {"chance": self.chance, "sign": self.sign, "signs": self._signs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.chance, self.sign, self._signs = state["chance"], state["sign"], state["signs"]
