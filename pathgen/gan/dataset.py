"""Data of one GAN training: original patches of one label, or of all."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet


@dataclass(frozen=True)
class GanDataset:
    """Original patches of one training.

    Attributes:
        images: Training patches, uint8 (N, H, H, 3).
        held_out: Patches that are monitored and not trained on, uint8 (M, H, H, 3); may be empty.
        index: Row per training patch with ``patient`` and ``slide``; None: unknown.
        slides_known: Whether the source names slides.
        labels: Class of each training patch of a joint training, int64 (N,), from 0; None: one label.
        held_out_labels: Class of each held-out patch, int64 (M,).
    """

    images: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    index: pd.DataFrame | None = None
    slides_known: bool = False
    labels: NDArray[np.int64] | None = None
    held_out_labels: NDArray[np.int64] | None = None

    @property
    def classes(self) -> int:
        """Number of classes of a joint training; 0: one label."""
        return 0 if self.labels is None else len(LABELS)


def of_label(train: PatchSet, held_out: PatchSet, label: str | None, *, slides_known: bool) -> GanDataset:
    """Return the patches of one label, or those of all labels with their classes (None)."""
    if label is None:
        classes = train.classes, held_out.classes
        return GanDataset(train.images, held_out.images, train.index, slides_known, *classes)
    own = train.of_label(label)
    return GanDataset(own.images, held_out.of_label(label).images, own.index, slides_known)
