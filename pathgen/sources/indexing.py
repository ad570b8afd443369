"""Find the candidates of a whole cohort, slide by slide, and write them in one folder."""

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import atomic_folder
from pathgen.jobs.job import Outcome, SlideTask
from pathgen.jobs.runner import open_shelf, problems_of, prune, run_tasks
from pathgen.jobs.settings import SlideWorkSettings
from pathgen.patches.parquet import concatenate_tables, write_table
from pathgen.patches.schemas import CANDIDATES, INDEXED, check_table
from pathgen.sources.base import Source
from pathgen.sources.cache_key import in_use, index_identity, require_unchanged
from pathgen.sources.index_task import CANDIDATES_FILE, OVERLAY_FILE, IndexSlide
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings

_log = logging.getLogger(__name__)

OVERLAYS_FOLDER = "overlays"
SLIDES_FILE = "slides.parquet"


def _indexed(outcomes: Sequence[Outcome], subject: object) -> pd.DataFrame:
    rows = [
        {
            "slide": outcome.slide,
            "reason": None if outcome.problem is None else str(outcome.problem),
            **outcome.facts,
        }
        for outcome in outcomes
    ]
    return check_table(pd.DataFrame(rows).reindex(columns=INDEXED.names), INDEXED, subject)


def index_cohort(
    source: Source,
    root: Path,
    cohort: pd.DataFrame,
    cohort_settings: CohortSettings,
    index_settings: IndexSettings,
    folder: Path,
    slide_work: SlideWorkSettings,
) -> int:
    """Find every candidate patch and write ``candidates.parquet``, ``overlays/`` and ``slides.parquet``.

    Slides are independent pieces of work whose results are kept: what was finished before the last run
    ended, however it ended, is not done again.

    Args:
        source: The source that made the cohort.
        root: The folder that the cohort's paths are relative to.
        cohort: The table `COHORT`; skipped slides are left out.
        cohort_settings: The section `cohort`; with ``on_bad_slide: skip``, slides that cannot be indexed
            are left out and listed in ``slides.parquet`` with the reason.
        index_settings: The section `index`.
        folder: Where to write; it appears when it is complete.
        slide_work: The section `slide_work`; the bytes written do not depend on it.

    Returns:
        How many candidates there are.

    Raises:
        PathgenErrors: Slides cannot be indexed and may not be skipped, or no candidate was found.
    """
    rows, root = in_use(cohort), root.resolve()
    require_unchanged(root, rows)
    modules = ("pathgen.sources.index_task", source.find_candidates.__module__)
    with open_shelf("index", slide_work) as shelf:
        tasks = [
            SlideTask(
                slide=row["slide"],
                folder=shelf.of_slide(row["slide"]),
                identity=index_identity(root, row, cohort_settings, index_settings.model_dump(), modules),
                modules=modules,
                units=1,
                work=IndexSlide(source, root, row, cohort_settings, index_settings),
                needs=(root,),
            )
            for row in rows
        ]
        outcomes = run_tasks(shelf, tasks, "slides", "index slides")
        problems = problems_of(outcomes)
        if problems and cohort_settings.on_bad_slide == "stop":
            raise PathgenErrors(problems)
        usable = [task for task, outcome in zip(tasks, outcomes, strict=True) if outcome.problem is None]
        indexed = _indexed(outcomes, folder)
        total = int(indexed["candidates"].sum())
        if total == 0:
            nothing = PathgenError(root, "no candidate patch was found", "Look at the index settings")
            raise PathgenErrors([*problems, nothing])
        for outcome in outcomes:
            if outcome.problem is not None:
                _log.warning("slide %s is left out: %s", outcome.slide, outcome.problem)
        _write(usable, indexed, folder)
        prune(shelf, tasks)
    return total


def _write(usable: Sequence[SlideTask], indexed: pd.DataFrame, folder: Path) -> None:
    with atomic_folder(folder) as draft:
        (draft / OVERLAYS_FOLDER).mkdir()
        concatenate_tables(
            [task.place / CANDIDATES_FILE for task in usable], CANDIDATES, draft / CANDIDATES_FILE
        )
        write_table(indexed, draft / SLIDES_FILE)
        for task in usable:
            if (task.place / OVERLAY_FILE).exists():
                shutil.copyfile(task.place / OVERLAY_FILE, draft / OVERLAYS_FOLDER / f"{task.slide}.png")
