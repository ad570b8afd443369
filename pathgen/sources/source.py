"""The interface of a source of patches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.params import Settings
from pathgen.core.progress import tracked
from pathgen.patches.schemas import CANDIDATES, check_table
from pathgen.sources.cohort_table import content_digest
from pathgen.sources.equal_patches import pixel_digest
from pathgen.sources.near_duplicates import SIDE, thumbnail
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import AnnotationSettings, IndexSettings


@dataclass(frozen=True)
class SlideCandidates:
    """Candidate patches of one slide.

    Attributes:
        candidates: Table `pathgen.patches.schemas.CANDIDATES`, sorted by item.
        overlay: Thumbnail with tissue and lesions outlined, uint8 (H, W, 3); None without slides.
        facts: Further values by column of `pathgen.patches.schemas.INDEXED`.
        pixels: Digest of the pixels of each candidate (`pathgen.sources.equal_patches.pixel_digest`), int64
            (N,): copies are left out. None where the candidates are not compared, as in slides.
        thumbnails: Small picture of each candidate (`pathgen.sources.near_duplicates.thumbnail`), uint8
            (N, 8, 8, 3): near-duplicates are counted. None where `pixels` is.
    """

    candidates: pd.DataFrame
    overlay: NDArray[np.uint8] | None = None
    facts: Mapping[str, float | None] = field(default_factory=dict)
    pixels: NDArray[np.int64] | None = None
    thumbnails: NDArray[np.uint8] | None = None


def labelled_candidates(
    row: Mapping[str, Any], patches: pd.DataFrame, images: Iterable[NDArray[np.uint8]] | None
) -> SlideCandidates:
    """Return the candidates of a source of labelled patches.

    Args:
        row: Row of the slide in the cohort; gives slide, split and patient.
        patches: Columns of `CANDIDATES`, at least label; an item is the number of its row.
        images: Pixels of each patch that are used, uint8 (S, S, 3), to find copies and near-duplicates; None
            where these may stay.
    """
    of_slide = {name: row[name] for name in ("slide", "split", "patient")}
    frame = patches.assign(**of_slide, item=range(len(patches)), exhaustive=True)
    candidates = check_table(frame.reindex(columns=CANDIDATES.names), CANDIDATES, row["slide"])
    if images is None:
        return SlideCandidates(candidates)
    looks = [(pixel_digest(image), thumbnail(image)) for image in images]
    pixels = np.array([digest for digest, _ in looks], dtype=np.int64)
    thumbnails = np.array([small for _, small in looks], dtype=np.uint8).reshape(-1, SIDE, SIDE, 3)
    return SlideCandidates(candidates, pixels=pixels, thumbnails=thumbnails)


@dataclass(frozen=True)
class PatchBatch:
    """Pixels of patches of one slide.

    Attributes:
        images: Patches, uint8 (N, size_px, size_px, 3), in the order of the rows.
        method: Method that read them, as in the table `EXTRACTED`; None without slides.
        reason: Why no faster method was used, or None.
        incomplete: bool (N,), see `pathgen.wsi.patch_reader.PatchReading`.
    """

    images: NDArray[np.uint8]
    method: str | None = None
    reason: str | None = None
    incomplete: NDArray[np.bool_] | None = None


def digests_of_files(
    root: Path, rows: Sequence[Mapping[str, Any]], settings: CohortSettings
) -> dict[str, str]:
    """Return the digests of the files in the column `path`, see `Source.current_digests`."""
    del settings
    found = {str(row["slide"]): root / row["path"] for row in rows}
    listed = tracked(found.items(), len(found), "slides", "compare slides with the cohort")
    return {slide: content_digest(path) for slide, path in listed if path.is_file()}


@dataclass(frozen=True)
class Source:
    """A source of patches. All paths in its tables are relative to the root.

    The functions run on other machines too: define them at the top level of their module.

    Attributes:
        find_cohort: ``(root, cohort settings, setting index.annotations)`` -> table `COHORT`, sorted by
            slide. Opens every file, and raises one `PathgenErrors` with all problems or lists bad slides in
            the column `skipped`.
        find_candidates: ``(root, cohort row, cohort settings, index settings)`` -> `SlideCandidates`.
        read_patches: ``(root, rows, size_px, cohort settings, threads)`` -> `PatchBatch`. The rows belong
            to one slide of the table `SAMPLES`, in any order, a few thousand at most. The images are in their
            order and independent of the number of threads. Thread-safe.
        list_files: ``(root, cohort settings)`` -> paths of the slides or files of patches, without opening
            any; for ``pathgen plan``.
        settings: Class of the sub-section ``cohort.{name of the file}``; None if there is none.
        current_digests: ``(root, cohort rows, cohort settings)`` -> slide to what its column `sha256` would
            be now; without the slides of missing files, which are reported when they are read.
        table: ``(cohort settings)`` -> file that lists or labels the slides, relative to the root; None if
            there is none.
        has_slides: Whether patches are cut from whole slides, by the section `index`.
        has_slide_ids: Whether it is known which patches come from the same slide.
        makes_data: Whether `find_cohort` makes the data itself; `cohort.root` is then null.
    """

    find_cohort: Callable[[Path, CohortSettings, AnnotationSettings], pd.DataFrame]
    find_candidates: Callable[[Path, Mapping[str, Any], CohortSettings, IndexSettings], SlideCandidates]
    read_patches: Callable[[Path, pd.DataFrame, int, CohortSettings, int], PatchBatch]
    list_files: Callable[[Path, CohortSettings], list[Path]]
    settings: type[Settings] | None = None
    current_digests: Callable[[Path, Sequence[Mapping[str, Any]], CohortSettings], dict[str, str]] = (
        digests_of_files
    )
    table: Callable[[CohortSettings], str] | None = None
    has_slides: bool = False
    has_slide_ids: bool = True
    makes_data: bool = False
