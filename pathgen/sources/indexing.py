"""Find the candidates of a whole cohort, and write them in one folder."""

import logging
from pathlib import Path
from typing import Any, cast

import pandas as pd

from pathgen.errors import PathgenError, PathgenErrors
from pathgen.files import atomic_folder, write_json
from pathgen.patches.picture import save_png
from pathgen.patches.tables import CANDIDATES, check_table, empty_table, write_table
from pathgen.progress import tracked
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

CANDIDATES_FILE = "candidates.parquet"
OVERLAYS_FOLDER = "overlays"
SKIPPED_FILE = "skipped.json"


def index_cohort(
    source: Source,
    root: Path,
    cohort: pd.DataFrame,
    cohort_settings: CohortSettings,
    index_settings: IndexSettings,
    folder: Path,
) -> None:
    """Find every candidate patch and write ``candidates.parquet``, ``overlays/`` and ``skipped.json``.

    Args:
        source: The source that made the cohort.
        root: The folder that the cohort's paths are relative to.
        cohort: The table `COHORT`; skipped slides are left out.
        cohort_settings: The section `cohort`; with ``on_bad_slide: skip``, slides that cannot be indexed
            are left out and listed in ``skipped.json`` (slide id to reason).
        index_settings: The section `index`.
        folder: Where to write; it appears when it is complete.

    Raises:
        PathgenErrors: Slides cannot be indexed and may not be skipped, or no candidate was found.
    """
    in_use = cohort[cohort["skipped"].isna()].sort_values("slide")
    rows = cast("list[dict[str, Any]]", in_use.to_dict("records"))
    tables, problems = [], []
    skipped: dict[str, str] = {}
    with atomic_folder(folder) as draft:
        (draft / OVERLAYS_FOLDER).mkdir()
        for row in tracked(rows, len(rows), "slides", "index slides"):
            try:
                found = source.find_candidates(root, row, cohort_settings, index_settings)
            except PathgenError as problem:
                problems.append(problem)
                skipped[row["slide"]] = str(problem)
                continue
            tables.append(found.candidates)
            if found.overlay is not None:
                save_png(found.overlay, draft / OVERLAYS_FOLDER / f"{row['slide']}.png")
        if problems and cohort_settings.on_bad_slide == "stop":
            raise PathgenErrors(problems)
        for slide, reason in skipped.items():
            _log.warning("slide %s is left out: %s", slide, reason)
        candidates = check_table(pd.concat(tables or [empty_table(CANDIDATES)]), CANDIDATES, folder)
        if candidates.empty:
            nothing = PathgenError(root, "no candidate patch was found", "Look at the index settings")
            raise PathgenErrors([*problems, nothing])
        write_table(candidates, draft / CANDIDATES_FILE)
        write_json(draft / SKIPPED_FILE, skipped)
