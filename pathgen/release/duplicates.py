"""Exact copies of original patches, which are refused without a test of significance."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathgen.patches.store import PatchSet, open_patch_set

_DIGEST_BYTES = 16


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=_DIGEST_BYTES).digest()


def exact_copies(sets: Mapping[str, PatchSet], originals: Sequence[Path]) -> list[tuple[str, int]]:
    """Find the synthetic patches that equal an original patch in every pixel, also rotated or mirrored.

    Args:
        sets: Label to synthetic patches.
        originals: Folders of original patches. Originals of a single colour are ignored, because two empty
            patches are not copies of each other.

    Returns:
        Label and row of each copy.
    """
    known = {
        _digest(image)
        for folder in originals
        for image in open_patch_set(folder).images
        if (image != image[0, 0]).any()
    }
    return [
        (label, row)
        for label, patches in sets.items()
        for row, image in enumerate(patches.images)
        if any(
            _digest(np.rot90(side, turns)) in known for side in (image, image[:, ::-1]) for turns in range(4)
        )
    ]
