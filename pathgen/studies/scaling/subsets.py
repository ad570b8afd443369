"""Training sets of all sizes, each a subset of the next."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet

UNLIMITED = "unlimited"


def per_class(size: int | str, *, max_steps: int, batch_size: int) -> int:
    """Return the number of patches per class of a size.

    Args:
        size: A number, or ``unlimited``: as many as the steps can show without showing one twice.
        max_steps: Optimiser steps of a point.
        batch_size: Patches per step.

    Raises:
        PathgenError: The steps cannot show all patches once.
    """
    shown = -(-max_steps * batch_size // len(LABELS))
    if size == UNLIMITED:
        return shown
    count = int(size)
    if count > shown:
        raise PathgenError(
            f"scaling: size {count} per class",
            f"exceeds the {shown} patches per class that {max_steps} steps of {batch_size} patches show",
            "Raise scaling.training.max_steps (all points run again), or use the size unlimited",
        )
    return count


def first_originals(
    images_by_label: Mapping[str, NDArray[np.uint8]], count: int, *, order_seed: int, seed: int
) -> dict[str, NDArray[np.uint8]]:
    """Take the first patches of each class in an order shuffled by the point's seed.

    Points of one size with different seeds are trained on different patches, so that the interval over the
    seeds covers the choice of patches. With equal seeds a smaller set is a subset of a larger one.

    Args:
        images_by_label: Patches by label, uint8 (N, H, W, 3).
        count: Number of patches per class.
        order_seed: Seed of all orders.
        seed: Seed of the point.

    Returns:
        Patches by label, uint8 (count, H, W, 3).

    Raises:
        PathgenError: A class has fewer patches.
    """
    for label in LABELS:
        there = len(images_by_label[label])
        if there < count:
            raise PathgenError(
                "scaling.original_sizes",
                f"asks for {count} {label} patches per class, the training set has {there}",
                "Remove the size, or raise sample.per_class.train",
            )
    return {
        label: images[numpy_generator(order_seed, "scaling", label, seed).permutation(len(images))[:count]]
        for label, images in images_by_label.items()
    }


def in_one_file(images_by_label: Mapping[str, NDArray[np.uint8]], file: Path) -> PatchSet:
    """Copy both classes into one file: a set of millions need not fit into memory.

    Args:
        images_by_label: Patches by label, uint8 (N, H, W, 3); may be memory-mapped.
        file: File to write; the caller removes it.

    Returns:
        All patches, memory-mapped.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    counts = [len(images_by_label[label]) for label in LABELS]
    shape = (sum(counts), *images_by_label[LABELS[0]].shape[1:])
    together = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
    np.concatenate([images_by_label[label] for label in LABELS], out=together)
    labels = np.repeat(np.array(LABELS, dtype=object), counts)
    return PatchSet(together, pd.DataFrame({"label": labels}))
