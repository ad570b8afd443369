"""Find ready-made patches with equal pixels: copies could be a member and a non-member, or train and test."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.patches.schemas import SPLITS

# Of copies in several official splits the one in the split that is used last is kept.
_KEPT_FIRST = {split: rank for rank, split in enumerate(reversed(SPLITS))}


def pixel_digest(image: NDArray[np.uint8]) -> int:
    """Return a digest of decoded pixels.

    Of a million different patches, two have the same digest with a probability of 3e-8.

    Args:
        image: uint8 of shape (S, S, 3).

    Returns:
        Signed 64-bit integer.
    """
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def left_out_copies(patches: pd.DataFrame) -> pd.DataFrame:
    """Mark the patches to leave out, so that each picture is there once and has one label.

    Of equal patches one is kept: in test rather than valid rather than train, then the first by slide and
    item. Where equal patches have both labels, none is kept.

    Args:
        patches: Columns slide, item, split (official, or None), label and pixels (`pixel_digest`).

    Returns:
        Columns `copy` (left out) and `two_labels` (left out since an equal patch has the other label), bool,
        with the index of `patches`.
    """
    ranked = patches.assign(
        rank=patches["split"].map(_KEPT_FIRST).fillna(len(SPLITS)), label=patches["label"].fillna("")
    )
    ranked = ranked.sort_values(["rank", "slide", "item"], kind="stable")
    first_label = ranked.groupby("pixels")["label"].transform("first")
    unlike = ranked["pixels"].isin(ranked.loc[ranked["label"] != first_label, "pixels"])
    return pd.DataFrame({"copy": ranked.duplicated("pixels") | unlike, "two_labels": unlike}).loc[
        patches.index
    ]
