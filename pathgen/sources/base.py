"""What a source of patches is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings


@dataclass(frozen=True)
class SlideCandidates:
    """What was found on one slide.

    Attributes:
        candidates: The table `pathgen.patches.schemas.CANDIDATES`, sorted by item.
        overlay: A picture of the slide with its tissue and lesions, uint8 (h, w, 3); None without slides.
        facts: What else is known of the slide, by names of columns of `pathgen.patches.schemas.INDEXED`.
    """

    candidates: pd.DataFrame
    overlay: NDArray[np.uint8] | None
    facts: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PatchBatch:
    """The pixels of some patches of one slide, and how they were read.

    Attributes:
        images: uint8 of shape (n, size_px, size_px, 3), in the order of the rows.
        method: What read them, as in the table `EXTRACTED`; None without slides.
        reason: Why no faster method was used, if there is one.
        incomplete: bool of shape (n,), see `pathgen.wsi.patch_reader.PatchReading`.
    """

    images: NDArray[np.uint8]
    method: str | None = None
    reason: str | None = None
    incomplete: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Source:
    """A source of patches: three functions. All paths in its tables are relative to the root.

    The functions are called by name on other machines: they are defined at the top of their module.

    Attributes:
        name: Its name in the settings.
        find_cohort: ``(root, cohort settings)`` -> the table `COHORT`, sorted by slide. Opens every file
            and raises one `PathgenErrors` with all problems, or lists bad slides in the column `skipped`.
        find_candidates: ``(root, cohort row, cohort settings, index settings)`` -> `SlideCandidates`.
        read_patches: ``(root, rows, size_px, cohort settings, threads)`` -> `PatchBatch`. The rows belong
            to one slide of the table of samples, in any order, a few thousand at most; the images are in
            their order and independent of the number of threads. It is thread-safe.
    """

    name: str
    find_cohort: Callable[[Path, CohortSettings], pd.DataFrame]
    find_candidates: Callable[[Path, Mapping[str, Any], CohortSettings, IndexSettings], SlideCandidates]
    read_patches: Callable[[Path, pd.DataFrame, int, CohortSettings, int], PatchBatch]
