"""The stage index's work on one slide, wherever it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_table
from pathgen.sources.base import Found, Source
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings

CANDIDATES_FILE = "candidates.parquet"
OVERLAY_FILE = "overlay.png"


def slide_facts(found: Found) -> dict[str, float | None]:
    """Return what the table `INDEXED` says of a slide.

    Args:
        found: What was found on it.

    Returns:
        Column to value; columns without a value are left out. `tumor_candidates` counts the candidates
        that touch a lesion, or those labelled tumor where the source gives labels.
    """
    touches, label = found.candidates["touches_tumor"], found.candidates["label"]
    tumor = None
    if touches.notna().any():
        tumor = int(touches.sum())
    elif label.notna().any():
        tumor = int((label == "tumor").sum())
    return {"candidates": len(found.candidates), "tumor_candidates": tumor, **found.facts}


@dataclass(frozen=True)
class IndexSlide:
    """Index one slide; can be sent to another machine.

    Attributes:
        source: The source that made the cohort.
        root: Its folder, absolute.
        row: The slide's row of the cohort.
        cohort: The section `cohort`.
        index: The section `index`.
    """

    source: Source
    root: Path
    row: Mapping[str, Any]
    cohort: CohortSettings
    index: IndexSettings

    def __call__(self, folder: Path) -> dict[str, float | None]:
        """Write the slide's candidates, and its picture if there is one.

        Args:
            folder: Where to.

        Returns:
            See `slide_facts`.

        Raises:
            PathgenError: The slide cannot be used.
        """
        found = self.source.find_candidates(self.root, self.row, self.cohort, self.index)
        write_table(found.candidates, folder / CANDIDATES_FILE)
        if found.overlay is not None:
            save_png(found.overlay, folder / OVERLAY_FILE)
        return slide_facts(found)
