"""What a slide's finished work depends on, as digests: settings, the slide's content, code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import sha256_of
from pathgen.jobs.code import code_digest
from pathgen.jobs.result_cache import Identity, digest_of
from pathgen.sources.settings import CohortSettings

# They say which slides there are and where, which the slides' own digests tell better.
_SAYS_NOTHING_OF_A_SLIDE = {"root", "on_bad_slide", "exclude_slides", "phantom", "slides"}
_CONTENT = ("sha256", "bytes")


def in_use(cohort: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the slides that are not left out, by slide."""
    chosen = cohort[cohort["skipped"].isna()].sort_values("slide")
    return [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]


def require_unchanged(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse slides that are not of the size that they had when the cohort was made.

    Args:
        root: The source's folder.
        rows: Rows of the cohort.

    Raises:
        PathgenErrors: One error per slide that has changed. What is missing is left to who reads it.
    """
    problems = []
    for row in rows:
        path = root / row["path"]
        if path.is_file() and not pd.isna(row["bytes"]) and path.stat().st_size != row["bytes"]:
            said = f"has {path.stat().st_size:,} bytes, but had {row['bytes']:,} when the cohort was made"
            problems.append(PathgenError(path, said, "Run: dvc repro --force --single-item cohort"))
    if problems:
        raise PathgenErrors(problems)


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value


def _annotation(root: Path, row: Mapping[str, Any]) -> str | None:
    path = None if pd.isna(row["annotation"]) else root / row["annotation"]
    return sha256_of(path) if path is not None and path.is_file() else None


def index_identity(
    root: Path, row: Mapping[str, Any], cohort: CohortSettings, parameters: Any, modules: Sequence[str]
) -> Identity:
    """Return what a slide's candidates depend on.

    Args:
        root: The source's folder.
        row: The slide's row of the cohort.
        cohort: The section `cohort`.
        parameters: The section `index`, as plain values.
        modules: Modules of the code.
    """
    known = {name: _plain(value) for name, value in row.items()}
    return Identity(
        parameters=digest_of([_of_slides(cohort), parameters]),
        slide=digest_of([known, _annotation(root, row)]),
        code=code_digest(*modules),
    )


def pixel_identity(
    row: Mapping[str, Any], cohort: CohortSettings, size_px: int, part: Any, modules: Sequence[str]
) -> Identity:
    """Return what a slide's patches depend on; its labels are not among it.

    Args:
        row: The slide's row of the cohort.
        cohort: The section `cohort`.
        size_px: Side of the patches, px.
        part: Which patches, as plain values.
        modules: Modules of the code.
    """
    return Identity(
        parameters=digest_of([_of_slides(cohort), size_px]),
        slide=digest_of([_plain(row[name]) for name in _CONTENT]),
        code=code_digest(*modules),
        part=digest_of(part),
    )


def _of_slides(cohort: CohortSettings) -> dict[str, Any]:
    return cohort.model_dump(exclude=_SAYS_NOTHING_OF_A_SLIDE)
