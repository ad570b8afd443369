"""Cache keys of a slide's results: settings, the slide's content, code and libraries."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import sha256_of
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.sources.base import Source
from pathgen.sources.settings import CohortSettings

# They select and locate slides; the digest of a slide identifies its content.
_NOT_OF_A_SLIDE = {"root", "on_bad_slide", "exclude_slides"}
_CONTENT = ("sha256", "bytes")
_LIBRARIES = (
    "h5py",
    "imagecodecs",
    "numpy",
    "openslide-bin",
    "openslide-python",
    "pandas",
    "pillow",
    "pyarrow",
    "scipy",
    "shapely",
    "simplejpeg",
    "tifffile",
)


def used_slides(cohort: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the slides that are not skipped, sorted by slide."""
    chosen = cohort[cohort["skipped"].isna()].sort_values("slide")
    return [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]


def check_slides_unchanged(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Check that the slides have the size that they had when the cohort was made.

    Args:
        root: Folder of the source.
        rows: Rows of the cohort.

    Raises:
        PathgenErrors: One error per slide that has changed. Missing files are reported when they are read.
    """
    problems = []
    for row in rows:
        path = root / row["path"]
        if path.is_file() and not pd.isna(row["bytes"]) and path.stat().st_size != row["bytes"]:
            reason = f"has {path.stat().st_size:,} bytes, but had {row['bytes']:,} when the cohort was made"
            problems.append(PathgenError(path, reason, "Run: dvc repro --force --single-item cohort"))
    if problems:
        raise PathgenErrors(problems)


def index_key(
    source: Source,
    root: Path,
    row: Mapping[str, Any],
    cohort: CohortSettings,
    index: Mapping[str, Any],
    code: Mapping[str, str],
) -> CacheKey:
    """Return the key of a slide's candidates.

    Args:
        source: Source of the cohort.
        root: Folder of the source.
        row: Row of the slide in the cohort.
        cohort: Section `cohort`.
        index: Section `index`, as plain values.
        code: Hashes of the code that indexes a slide, see `code_manifest`.
    """
    annotation = None if pd.isna(row["annotation"]) else root / row["annotation"]
    outlines = sha256_of(annotation) if annotation is not None and annotation.is_file() else ""
    return CacheKey(
        settings={"cohort": _of_slide(source, cohort), "index": index},
        inputs={"slide": _digest(row), "annotation": outlines},
        code=code,
        libraries=library_versions(*_LIBRARIES),
    )


def pixel_key(
    source: Source,
    row: Mapping[str, Any],
    cohort: CohortSettings,
    size_px: int,
    places: pd.DataFrame,
    code: Mapping[str, str],
) -> CacheKey:
    """Return the key of a slide's sampled patches; their labels and roles are not part of it.

    Args:
        source: Source of the cohort.
        row: Row of the slide in the cohort.
        cohort: Section `cohort`.
        size_px: Side of the patches, px.
        places: Places of the patches.
        code: Hashes of the code that reads a slide, see `code_manifest`.
    """
    return CacheKey(
        settings={"cohort": _of_slide(source, cohort), "size_px": size_px},
        inputs={
            "slide": _digest({name: row[name] for name in _CONTENT}),
            "places": hashlib.sha256(places.to_csv(index=False).encode()).hexdigest(),
        },
        code=code,
        libraries=library_versions(*_LIBRARIES),
    )


def _of_slide(source: Source, cohort: CohortSettings) -> dict[str, Any]:
    # The own settings of a source of slides select slides; they do not shape a slide's result.
    return cohort.model_dump(exclude=_NOT_OF_A_SLIDE | ({cohort.source} if source.has_slides else set()))


def _digest(row: Mapping[str, Any]) -> str:
    plain = {name: None if pd.isna(value) else value for name, value in row.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
