"""Read many square patches of one slide, made smaller by exact averaging."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.wsi.reader import open_slide, read_patch

Method = Literal["jpeg_tiles", "openslide"]


@dataclass(frozen=True)
class PatchReading:
    """The patches of one slide, and how they were read.

    Attributes:
        images: uint8 of shape (n, out_px, out_px, 3), RGB, in the order of the places.
        method: What read the pixels: ``"jpeg_tiles"`` (the file's JPEG tiles, decoded here) or
            ``"openslide"``. Both give the same bytes.
        reason: Why the faster ``"jpeg_tiles"`` was not used; None where it was.
        missing_tiles: Number of different level-0 tiles under the patches that the file does not hold
            (white in the images); None where it cannot be told.
    """

    images: NDArray[np.uint8]
    method: Method
    reason: str | None
    missing_tiles: int | None


def read_patches(
    path: Path, places: NDArray[np.int64], out_px: int, *, mpp_if_missing: float | None, threads: int
) -> PatchReading:
    """Read square patches of a slide.

    Args:
        path: The slide.
        places: int64 of shape (n, 3): left edge, top edge and side of each patch, level-0 px.
        out_px: Side of the images; see `pathgen.wsi.resample.shrink`.
        mpp_if_missing: See `pathgen.wsi.reader.open_slide`.
        threads: How many threads read, at least 1. The images do not depend on it, nor on the order or
            the grouping of the places.

    Returns:
        The images.

    Raises:
        PathgenError: The slide cannot be opened, a square does not lie on it or has fewer pixels than
            asked for, or a place cannot be decoded.
    """
    images = np.empty((len(places), out_px, out_px, 3), dtype=np.uint8)
    with open_slide(path, mpp_if_missing) as slide, ThreadPoolExecutor(threads) as pool:

        def read(number: int) -> None:
            x_l0, y_l0, size_l0 = places[number].tolist()
            images[number] = read_patch(slide, x_l0, y_l0, size_l0, out_px)

        list(pool.map(read, range(len(places))))
    return PatchReading(images, "openslide", "the direct path is not there yet", None)
