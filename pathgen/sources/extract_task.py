"""The stage extract's work on one slide, wherever it runs: read its drawn patches, or take what is there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.patches.pieces import Piece, write_piece
from pathgen.slide_work.records import Facts, Identity, read_record
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Reading, Source

_CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class ExtractSlide:
    """Read the patches drawn from one slide; can be sent to another machine.

    Attributes:
        source: The source that made the cohort.
        root: Its folder, absolute.
        places: The slide's drawn patches, columns `pathgen.patches.pieces.PLACE`, sorted by item.
        cohort: The section `cohort`.
        size_px: Side of the patches, px.
        threads: Threads that read; the result does not depend on it.
        identity: What shapes the result.
        shelf: The slide's folder of finished work; patches of earlier draws are taken from there.
    """

    source: Source
    root: Path
    places: pd.DataFrame
    cohort: CohortSettings
    size_px: int
    threads: int
    identity: Identity
    shelf: Path

    def __call__(self, folder: Path) -> Facts:
        """Write the slide's piece.

        Args:
            folder: Where to.

        Returns:
            `patches`, and how many of them were `read` now; `method`, `reason` and `missing_tiles` as in
            the table `pathgen.patches.tables.EXTRACTED`.

        Raises:
            PathgenError: The slide or a patch cannot be read.
        """
        earlier = list(self._earlier())
        facts = [facts for _, facts in earlier]
        write_piece(folder, self.places, self.size_px, self._parts([piece for piece, _ in earlier], facts))
        return _together(len(self.places), facts)

    def _earlier(self) -> Iterator[tuple[Piece, Facts]]:
        """Yield what earlier draws have read of the same slide in the same way."""
        for other in sorted(self.shelf.iterdir()) if self.shelf.is_dir() else []:
            record = None if other.name.startswith(".") else read_record(other)
            if record is None or record.reason is not None:
                continue
            if replace(record.identity, part="") == replace(self.identity, part=""):
                yield Piece.open(other), {**record.facts, "read": 0}

    def _parts(self, earlier: list[Piece], facts: list[Facts]) -> Iterator[NDArray[np.uint8]]:
        """Yield the images, some at a time; note in `facts` how they were read."""
        rows_per_part = max(1, _CHUNK_BYTES // (self.size_px**2 * 3))
        for start in range(0, len(self.places), rows_per_part):
            places = self.places.iloc[start : start + rows_per_part]
            images = np.empty((len(places), self.size_px, self.size_px, 3), dtype=np.uint8)
            missing = np.ones(len(places), dtype=bool)
            for piece in earlier:
                rows = piece.find(places)
                found = missing & (rows >= 0)
                images[found] = piece.images[rows[found]]
                missing &= ~found
            if missing.any():
                reading = self.source.read_patches(
                    self.root, places[missing], self.size_px, self.cohort, self.threads
                )
                images[missing] = reading.images
                facts.append(_facts(reading))
            yield images


def _facts(reading: Reading) -> Facts:
    return {
        "read": len(reading.images),
        "method": reading.method,
        "reason": reading.reason,
        "missing_tiles": reading.missing_tiles,
    }


def _together(patches: int, parts: list[Facts]) -> Facts:
    """Return what is said of a slide whose patches were read in several goes."""
    missing = [part["missing_tiles"] for part in parts]
    return {
        "patches": patches,
        "read": sum(int(part["read"] or 0) for part in parts),
        "method": parts[0]["method"],
        "reason": parts[0]["reason"],
        "missing_tiles": None if None in missing else sum(int(number or 0) for number in missing),
    }
