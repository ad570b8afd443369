"""The stage extract's work on one slide, wherever it runs: read its drawn patches, or take what is there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pathgen.jobs.result_cache import Facts, Identity, read_record
from pathgen.patches.slide_cache import PatchChunk, SlidePatches, write_slide_patches
from pathgen.sources.base import Reading, Source
from pathgen.sources.settings import CohortSettings

_CHUNK_BYTES = 64 << 20


@dataclass(frozen=True)
class ExtractSlide:
    """Read the patches drawn from one slide; can be sent to another machine.

    Attributes:
        source: The source that made the cohort.
        root: Its folder, absolute.
        places: The slide's drawn patches, columns `pathgen.patches.slide_cache.PLACE`, sorted by item.
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
            `patches`, and how many of them were `read` now; `method`, `reason` and `incomplete` as in the
            table `pathgen.patches.schemas.EXTRACTED`.

        Raises:
            PathgenError: The slide or a patch cannot be read.
        """
        earlier = list(self._earlier())
        facts = [facts for _, facts in earlier]
        parts = self._parts([piece for piece, _ in earlier], facts)
        places = write_slide_patches(folder, self.places, self.size_px, parts)
        return {
            "patches": len(places),
            "read": sum(int(of_part["read"] or 0) for of_part in facts),
            # One slide is read in one way, now and before.
            "method": facts[0]["method"],
            "reason": facts[0]["reason"],
            "incomplete": _count(places["incomplete"]),
        }

    def _earlier(self) -> Iterator[tuple[SlidePatches, Facts]]:
        """Yield what earlier draws have read of the same slide in the same way."""
        for other in sorted(self.shelf.iterdir()) if self.shelf.is_dir() else []:
            record = None if other.name.startswith(".") else read_record(other)
            if record is None or record.reason is not None:
                continue
            if replace(record.identity, part="") == replace(self.identity, part=""):
                yield SlidePatches.open(other), {**record.facts, "read": 0}

    def _parts(self, earlier: list[SlidePatches], facts: list[Facts]) -> Iterator[PatchChunk]:
        """Yield the patches, some at a time; note in `facts` how they were read."""
        rows_per_part = max(1, _CHUNK_BYTES // (self.size_px**2 * 3))
        for start in range(0, len(self.places), rows_per_part):
            places = self.places.iloc[start : start + rows_per_part]
            images = np.empty((len(places), self.size_px, self.size_px, 3), dtype=np.uint8)
            incomplete = _unknown(len(places))
            wanted = np.ones(len(places), dtype=bool)
            for piece in earlier:
                rows = piece.find(places)
                found = wanted & (rows >= 0)
                images[found] = piece.images[rows[found]]
                incomplete[found] = piece.places["incomplete"].array[rows[found]]
                wanted &= ~found
            if wanted.any():
                reading = self.source.read_patches(
                    self.root, places[wanted], self.size_px, self.cohort, self.threads
                )
                images[wanted] = reading.images
                if reading.incomplete is not None:
                    incomplete[wanted] = reading.incomplete
                facts.append(_facts(reading))
            yield PatchChunk(images, incomplete)


def _unknown(count: int) -> pd.arrays.BooleanArray:
    """Return what is known of patches before anything is: NA for each."""
    return pd.arrays.BooleanArray(np.zeros(count, dtype=bool), np.ones(count, dtype=bool))


def _facts(reading: Reading) -> Facts:
    return {"read": len(reading.images), "method": reading.method, "reason": reading.reason}


def _count(incomplete: "pd.Series[bool]") -> int | None:
    """Count the incomplete patches; None where of any of them it cannot be told."""
    return None if incomplete.isna().any() else int(incomplete.sum())
