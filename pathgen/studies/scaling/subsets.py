"""Training sets of every size, each the beginning of the next."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS, label_index
from pathgen.core.seeding import numpy_generator

UNLIMITED = "unlimited"
_COPIED_AT_ONCE = 4096


def per_class(size: int | str, *, max_steps: int, batch_size: int) -> int:
    """Return how many patches of each class a size stands for.

    Args:
        size: A number, or ``unlimited``: as many as the steps can show, so that none is seen twice.
        max_steps: Optimiser steps of a point.
        batch_size: Patches per step.

    Returns:
        Patches per class.

    Raises:
        PathgenError: The steps cannot show so many even once.
    """
    shown = -(-max_steps * batch_size // len(LABELS))
    if size == UNLIMITED:
        return shown
    count = int(size)
    if count > shown:
        raise PathgenError(
            f"scaling: size {count} per class",
            f"cannot be seen in {max_steps} steps of {batch_size} patches, which show {shown} per class",
            "Raise scaling.training.max_steps (all points run again), or use the size unlimited",
        )
    return count


def first_originals(
    images_by_label: Mapping[str, NDArray[np.uint8]], count: int, *, order_seed: int, seed: int
) -> dict[str, NDArray[np.uint8]]:
    """Take the first patches of each class in a shuffled order that the point's seed has for itself.

    So points of one size that differ in their seed are trained on other patches, and the interval over the
    seeds covers which ones were taken, as far as the training set has others.

    Args:
        images_by_label: Label to uint8 of shape (N, H, W, 3).
        count: How many per class.
        order_seed: Of all orders.
        seed: Of the point. With the same two a larger count begins with the smaller one's patches.

    Returns:
        Label to uint8 of shape (count, H, W, 3).

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


def in_one_file(
    images_by_label: Mapping[str, NDArray[np.uint8]], file: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Copy both classes behind each other, on disk: a set of millions need not fit into memory.

    Args:
        images_by_label: Label to uint8 of shape (N, H, W, 3); may be mapped from disk.
        file: Where to; removed by the caller.

    Returns:
        Patches, uint8 of shape (sum of N, H, W, 3), mapped; class numbers, int64.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    count = sum(len(images_by_label[label]) for label in LABELS)
    shape = (count, *images_by_label[LABELS[0]].shape[1:])
    together = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
    labels = np.empty(count, dtype=np.int64)
    at = 0
    for label in LABELS:
        images = images_by_label[label]
        for start in range(0, len(images), _COPIED_AT_ONCE):
            block = images[start : start + _COPIED_AT_ONCE]
            together[at : at + len(block)] = block
            labels[at : at + len(block)] = label_index(label)
            at += len(block)
    return together, labels
