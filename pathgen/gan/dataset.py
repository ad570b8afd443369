"""Data of one GAN training: original patches of one label, or of all."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet


@dataclass(frozen=True)
class ClassLabels:
    """Classes of the patches of a joint training.

    Attributes:
        train: Class of each training patch, int64 (N,), from 0.
        held_out: Class of each held-out patch, int64 (M,).
        classes: Number of classes.
    """

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]
    classes: int


@dataclass(frozen=True)
class GanDataset:
    """Original patches of one training.

    Attributes:
        images: Training patches, uint8 (N, H, H, 3).
        held_out: Patches that are monitored and not trained on, uint8 (M, H, H, 3); may be empty.
        labels: Classes of both in a joint training; None: one label.
        index: Row per training patch with ``patient`` and ``slide``; None: unknown.
        slides_known: Whether the source names slides.
    """

    images: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    labels: ClassLabels | None = None
    index: pd.DataFrame | None = None
    slides_known: bool = False

    @property
    def classes(self) -> int:
        """Number of classes of a joint training; 0: one label."""
        return 0 if self.labels is None else self.labels.classes


def of_one_label(train: PatchSet, held_out: PatchSet, label: str, *, slides_known: bool) -> GanDataset:
    """Return the patches of one label."""
    own = train.of_label(label)
    return GanDataset(own.images, held_out.of_label(label).images, index=own.index, slides_known=slides_known)


def of_all_labels(train: PatchSet, held_out: PatchSet, *, slides_known: bool) -> GanDataset:
    """Return the patches of all labels."""
    labels = ClassLabels(train.classes, held_out.classes, len(LABELS))
    return GanDataset(train.images, held_out.images, labels, train.index, slides_known)
