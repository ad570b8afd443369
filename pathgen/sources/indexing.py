"""Find the candidates of a whole cohort, and write them in one folder."""

import logging
from pathlib import Path
from typing import Any, cast

import pandas as pd

from pathgen.errors import PathgenError, PathgenErrors
from pathgen.files import atomic_folder
from pathgen.patches.picture import save_png
from pathgen.patches.tables import CANDIDATES, INDEXED, check_table, empty_table, write_table
from pathgen.progress import tracked
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Found, Source
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

CANDIDATES_FILE = "candidates.parquet"
OVERLAYS_FOLDER = "overlays"
SLIDES_FILE = "slides.parquet"


def slide_facts(slide: str, found: Found) -> dict[str, Any]:
    """Return a slide's row of the table `INDEXED`.

    Args:
        slide: Its id.
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
    return {"slide": slide, "candidates": len(found.candidates), "tumor_candidates": tumor, **found.facts}


def index_cohort(
    source: Source,
    root: Path,
    cohort: pd.DataFrame,
    cohort_settings: CohortSettings,
    index_settings: IndexSettings,
    folder: Path,
) -> None:
    """Find every candidate patch and write ``candidates.parquet``, ``overlays/`` and ``slides.parquet``.

    Args:
        source: The source that made the cohort.
        root: The folder that the cohort's paths are relative to.
        cohort: The table `COHORT`; skipped slides are left out.
        cohort_settings: The section `cohort`; with ``on_bad_slide: skip``, slides that cannot be indexed
            are left out and listed in ``slides.parquet`` with the reason.
        index_settings: The section `index`.
        folder: Where to write; it appears when it is complete.

    Raises:
        PathgenErrors: Slides cannot be indexed and may not be skipped, or no candidate was found.
    """
    in_use = cohort[cohort["skipped"].isna()].sort_values("slide")
    rows = cast("list[dict[str, Any]]", in_use.to_dict("records"))
    tables, facts, problems = [], [], []
    with atomic_folder(folder) as draft:
        (draft / OVERLAYS_FOLDER).mkdir()
        for row in tracked(rows, len(rows), "slides", "index slides"):
            try:
                found = source.find_candidates(root, row, cohort_settings, index_settings)
            except PathgenError as problem:
                problems.append(problem)
                facts.append({"slide": row["slide"], "reason": str(problem)})
                continue
            tables.append(found.candidates)
            facts.append(slide_facts(row["slide"], found))
            if found.overlay is not None:
                save_png(found.overlay, draft / OVERLAYS_FOLDER / f"{row['slide']}.png")
        if problems and cohort_settings.on_bad_slide == "stop":
            raise PathgenErrors(problems)
        indexed = pd.DataFrame(facts).reindex(columns=INDEXED.names)
        for slide, reason in indexed.loc[indexed["reason"].notna(), ["slide", "reason"]].to_numpy().tolist():
            _log.warning("slide %s is left out: %s", slide, reason)
        candidates = check_table(pd.concat(tables or [empty_table(CANDIDATES)]), CANDIDATES, folder)
        if candidates.empty:
            nothing = PathgenError(root, "no candidate patch was found", "Look at the index settings")
            raise PathgenErrors([*problems, nothing])
        write_table(candidates, draft / CANDIDATES_FILE)
        write_table(check_table(indexed, INDEXED, folder), draft / SLIDES_FILE)
