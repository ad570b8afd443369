"""Cache keys of a slide's results: settings, the slide's content, code and libraries."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import sha256_of
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source

# They select and locate slides; the digest of a slide identifies its content.
_NOT_OF_A_SLIDE = {
    "root",
    "on_bad_slide",
    "exclude_slides",
    "implausible_outlines",
    "accepted_outlines",
    "near_duplicates",
}
# It changes with the rows of other slides; this slide's are in the columns of its own.
_NOT_OF_A_RESULT = {"table_sha256"}
_AGAIN = "Run: make recheck"
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


def used_slides(cohort: pd.DataFrame, source: Source, settings: CohortSettings) -> list[dict[str, Any]]:
    """Return the slides that are not skipped; their files are those of the stage `cohort`.

    All are compared by content; large ones that have not been touched since are not read.

    Args:
        cohort: Table `COHORT`.
        source: Source of the cohort.
        settings: Section `cohort`.

    Returns:
        Rows of the table, sorted by slide.

    Raises:
        PathgenErrors: One error per file that has changed. Missing files are reported when they are read.
    """
    chosen = cohort[cohort["skipped"].isna()].sort_values("slide")
    rows = [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]
    root = settings.folder.resolve()
    problems = _changed_table(rows, source, settings)
    current = source.current_digests(root, rows, settings)
    for row in rows:
        path, known = root / row["path"], row["sha256"]
        if path.is_file() and not pd.isna(row["bytes"]) and path.stat().st_size != row["bytes"]:
            reason = f"has {path.stat().st_size:,} bytes, but had {row['bytes']:,} when the cohort was made"
            problems.append(PathgenError(path, reason, _AGAIN))
        elif not pd.isna(known) and current.get(row["slide"], known) != known:
            reason = f"the content of slide {row['slide']} has changed since the cohort was made"
            problems.append(PathgenError(path, reason, _AGAIN))
        known = row["annotation_sha256"]
        path = root / str(row["annotation"])
        if not pd.isna(known) and path.is_file() and sha256_of(path) != known:
            reason = f"is not the annotation that {row['slide']} had when the cohort was made"
            problems.append(PathgenError(path, reason, _AGAIN))
    if problems:
        raise PathgenErrors(problems)
    return rows


def _changed_table(
    rows: list[dict[str, Any]], source: Source, settings: CohortSettings
) -> list[PathgenError]:
    """Return the problem of a table of slides that is not that of the cohort."""
    known = {row["table_sha256"] for row in rows if not pd.isna(row["table_sha256"])}
    if source.table is None or not known:
        return []
    path = settings.folder.resolve() / source.table(settings)
    if not path.is_file() or {sha256_of(path)} == known:
        return []
    return [PathgenError(path, "has changed since the cohort was made", _AGAIN)]


def slide_key(
    source: Source,
    cohort: CohortSettings,
    settings: Mapping[str, Any],
    row: Mapping[str, Any],
    inputs: Mapping[str, str],
    code: Mapping[str, str],
) -> CacheKey:
    """Return the key of a result of one slide.

    Args:
        source: Source of the cohort.
        cohort: Section `cohort`; its settings that select and locate slides are not part of the key.
        settings: Further settings of the result.
        row: Columns of the cohort that the result depends on.
        inputs: Digests of further inputs.
        code: Hashes of the code that computes the result, see `code_manifest`.
    """
    # The own settings of a source of slides select slides, too.
    unused = _NOT_OF_A_SLIDE | ({cohort.source} if source.has_slides else set())
    used = {name: value for name, value in row.items() if name not in _NOT_OF_A_RESULT}
    plain = {name: None if pd.isna(value) else value for name, value in used.items()}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return CacheKey(
        settings={"cohort": cohort.model_dump(exclude=unused), **settings},
        inputs={"slide": digest, **inputs},
        code=code,
        libraries=library_versions(*_LIBRARIES),
    )
