"""Find near-duplicates of ready-made patches: the same picture rotated, mirrored or compressed again."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

SIDE = 8
_VALUES = SIDE * SIDE * 3
# Of 22,122 distinct patches of PatchCamelyon no two are as near; the nearest two have a share of 0.26. JPEG
# of quality 75 moves a patch by at most 1.6 grey levels and a share of 0.2, quality 50 by 2.9 grey levels.
GREATEST_RMS = 4.0
_GREATEST_SHARE = 0.2
# Thumbnails are whole numbers: rounding two of them moves them apart by 0.41 grey levels. Below this contrast
# less than half of it is allowed, and blank patches are all similar.
LEAST_CONTRAST = 1.0
# Limits of contrast between which patches are searched with one radius.
_BANDS = (*np.geomspace(LEAST_CONTRAST, GREATEST_RMS / _GREATEST_SHARE, 10).tolist(), np.inf)
# Of the means over the symmetries: these make ten groups of the 64 areas, of three colours each.
_DIMENSIONS = 30
# Pairs that are compared at a time.
_BATCH = 1 << 14
# Greater than the rounding errors of distances of float32.
_ROUNDING = 1e-2


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the means of equal areas of a patch.

    Args:
        image: uint8 of shape (S, S, 3).

    Returns:
        uint8 of shape (8, 8, 3).
    """
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.uint8)


def near_pairs(thumbnails: NDArray[np.uint8]) -> pd.DataFrame:
    """Find all pairs of patches that show the same picture, but for rotation, reflection and compression.

    The distance of two patches is the root mean square of the differences of their thumbnails, the least over
    the eight symmetries of the square. Patches are near if it is at most 4 grey levels, and a fifth of the
    contrast (the standard deviation of a thumbnail) of either: almost empty patches are all similar. Patches
    of a contrast below 1 grey level are not compared. The search compares means over the eight symmetries.
    That mean is a projection, which lengthens no distance: every other pair is found. Memory is linear in the
    number of patches and of the pairs returned.

    Args:
        thumbnails: uint8 of shape (N, 8, 8, 3), see `thumbnail`.

    Returns:
        Columns one, other (row numbers, one < other) and rms (grey levels), sorted.
    """
    flat = thumbnails.reshape(-1, _VALUES).astype(np.float32)
    none = pd.DataFrame({"one": np.array([], int), "other": np.array([], int), "rms": np.array([])})
    if len(flat) < 2:
        return none
    contrast = flat.reshape(len(flat), -1, 3).std(axis=1).mean(axis=1)
    points = _invariant(thumbnails)
    parts = []
    for one, other in _candidates(points, contrast):
        rms = np.min([_rms(thumbnails[one], turned) for turned in _symmetries(thumbnails[other])], axis=0)
        near = rms <= np.minimum(GREATEST_RMS, _GREATEST_SHARE * np.minimum(contrast[one], contrast[other]))
        parts.append(pd.DataFrame({"one": one[near], "other": other[near], "rms": rms[near]}))
    return pd.concat(parts or [none]).sort_values(["one", "other"], ignore_index=True)


def _candidates(
    points: NDArray[np.float32], contrast: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield row numbers (one, other), one < other, of the pairs of points that may be near, in batches."""
    for low, high in pairwise(_BANDS):
        radius = min(GREATEST_RMS, _GREATEST_SHARE * high) + _ROUNDING
        band = np.flatnonzero((low <= contrast) & (contrast < high))
        if len(band) == 0:
            continue
        # Each pair is found in the band of its lower contrast. The contrasts differ by at most the distance.
        others = np.flatnonzero((low <= contrast) & (contrast < high + radius))
        tree = cKDTree(points[others])
        counts = tree.query_ball_point(points[band], radius, return_length=True)
        paired = counts > 1  # each point is close to itself
        numbers = np.cumsum(counts[paired]) // _BATCH
        for batch in filter(len, np.split(band[paired], np.flatnonzero(np.diff(numbers)) + 1)):
            close = tree.query_ball_point(points[batch], radius)
            one = np.repeat(batch, [len(each) for each in close])
            other = others[np.concatenate(close).astype(np.intp)]
            once = (one < other) | (contrast[other] >= high)
            yield np.minimum(one, other)[once], np.maximum(one, other)[once]


def _symmetries(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Yield images (N, S, S, 3), rotated and reflected in all eight ways."""
    for turns in range(4):
        turned = np.rot90(images, turns, axes=(1, 2))
        yield turned
        yield turned[:, :, ::-1]


def _rms(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float32]:
    difference = (ones.astype(np.int16) - others).reshape(-1, _VALUES).astype(np.float32)
    rms: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", difference, difference) / _VALUES)
    return rms


def _invariant(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return points (N, 30); their distances are at most those of the patches."""
    total = np.zeros(thumbnails.shape, dtype=np.uint16)
    for turned in _symmetries(thumbnails):
        total += turned
    means = total.reshape(-1, _VALUES).astype(np.float32) / (8 * np.sqrt(_VALUES))
    means -= means.mean(axis=0)
    _, axes = np.linalg.eigh(means.T @ means)
    points: NDArray[np.float32] = means @ axes[:, -_DIMENSIONS:]
    return points


def picture_numbers(count: int, pairs: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the picture that each patch shows; patches of a pair show the same.

    Args:
        count: Number of patches.
        pairs: See `near_pairs`.
    """
    links = coo_array((np.ones(len(pairs)), (pairs["one"], pairs["other"])), shape=(count, count))
    numbers: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return numbers
