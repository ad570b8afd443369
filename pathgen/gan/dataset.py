"""The patches that one training learns from and is watched with: of one label, or of all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.core.labels import LABELS
from pathgen.gan.conditioning import Classes, Conditioning
from pathgen.patches.store import PatchSet


@dataclass(frozen=True)
class Originals:
    """What `train_generator` takes of the data, by its names.

    Attributes:
        images: uint8 (N, H, H, 3), to learn from.
        held_out: uint8 (M, H, H, 3), to look at.
        classes: Theirs, where all labels are learned at once.
    """

    images: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    classes: Classes | None


def of_one_label(train: PatchSet, held_out: PatchSet, label: str) -> Originals:
    """Return the patches of one label."""
    return Originals(train.of_label(label).images, held_out.of_label(label).images, None)


def of_all_labels(
    train: PatchSet, held_out: PatchSet, *, unconditional_share: float, ramp_share: float
) -> Originals:
    """Return the patches of all labels.

    Args:
        train: To learn from.
        held_out: To look at.
        unconditional_share: See `Conditioning`.
        ramp_share: See `Conditioning`.
    """
    conditioning = Conditioning(len(LABELS), unconditional_share, ramp_share)
    return Originals(train.images, held_out.images, Classes(train.classes, held_out.classes, conditioning))
