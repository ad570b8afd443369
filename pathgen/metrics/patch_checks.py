"""Check of the patch sets that fidelity metrics and privacy audit compare."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.metrics.features import SMALLEST_SIDE_PX

Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches, uint8 (N, S, S, 3), by label."""


def check_patch_sets(sets: Mapping[str, Images], labels: Iterable[str], smallest: int, hint: str) -> None:
    """Refuse patch sets that are too small, and patches that cannot be compared.

    Args:
        sets: Patches by role and label.
        labels: Labels to check.
        smallest: Required number of patches per set.
        hint: Advice in the error message for a set that is too small.

    Raises:
        PathgenError: A set has too few patches, or the patches are not squares of one size of at least 16 px.
    """
    sizes: set[tuple[int, int]] = set()
    for role, by_label in sets.items():
        for label in labels:
            count, height, width, _ = by_label[label].shape
            sizes.add((height, width))
            if count < smallest:
                subject = f"{role} patches of class {label}"
                raise PathgenError(subject, f"{count} are too few, {smallest} are needed", hint)
    if len(sizes) != 1 or any(height != width or height < SMALLEST_SIDE_PX for height, width in sizes):
        raise PathgenError(
            f"patches of {', '.join(sets)}",
            f"have (height, width) {sorted(sizes)} and cannot be compared",
            f"Use square patches of one size, at least {SMALLEST_SIDE_PX} px (extract.size_px)",
        )
