"""The pixels of one slide's patches, kept between runs: ``patches.npy`` beside the table of their places."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.patches.parquet import read_table, write_table
from pathgen.patches.store import PIXELS_FILE, begin_pixels, open_pixels

PLACES_FILE = "places.parquet"
# What says which patch of a slide is meant, and where its pixels are.
PLACE = ["item", "x_l0", "y_l0", "size_l0", "file"]
_INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class PatchChunk:
    """Some patches of a piece.

    Attributes:
        images: uint8 of shape (n, H, W, 3).
        incomplete: ``boolean`` of length n: whether the slide's file lacks a tile under the patch; NA where
            that is not known.
    """

    images: NDArray[np.uint8]
    incomplete: pd.arrays.BooleanArray


@dataclass(frozen=True)
class SlidePatches:
    """Patches of one slide.

    Attributes:
        places: Columns `PLACE`, sorted by item, and ``incomplete`` as in `PatchChunk`.
        images: uint8 of shape (N, H, W, 3), read-only, in the same order.
    """

    places: pd.DataFrame
    images: NDArray[np.uint8]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a piece without reading its pixels.

        Args:
            folder: Where `write_slide_patches` wrote it.

        Raises:
            PathgenError: A file is missing or damaged.
        """
        return cls(read_table(folder / PLACES_FILE), open_pixels(folder / PIXELS_FILE))

    def find(self, places: pd.DataFrame) -> NDArray[np.int64]:
        """Return for each place its row in this piece, int64; -1 where this piece does not have it."""
        known = self.places[PLACE].assign(row=np.arange(len(self.places)))
        rows = places[PLACE].merge(known, how="left", on=PLACE)["row"]
        return rows.fillna(-1).to_numpy(dtype=np.int64)


def write_slide_patches(
    folder: Path, places: pd.DataFrame, size_px: int, parts: Iterable[PatchChunk]
) -> pd.DataFrame:
    """Write a piece.

    Args:
        folder: An empty folder.
        places: Columns `PLACE`, sorted by item, at least one row.
        size_px: Side of the patches, px.
        parts: The patches in the order of the places, their images of side `size_px`.

    Returns:
        The places as `SlidePatches` has them.
    """
    incomplete = []
    with (folder / PIXELS_FILE).open("wb") as stream:
        begin_pixels(stream, (len(places), size_px, size_px, 3))
        for part in parts:
            assert len(part.images) == len(part.incomplete)
            stream.write(np.ascontiguousarray(part.images).data)
            incomplete.append(pd.Series(part.incomplete))
    known = pd.concat(incomplete, ignore_index=True)
    assert len(known) == len(places), (len(known), len(places))
    told = places.reset_index(drop=True).assign(**{_INCOMPLETE: known})
    write_table(told, folder / PLACES_FILE)
    return told
