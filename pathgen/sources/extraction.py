"""Read the drawn patches of a whole cohort, slide by slide, and write the patch sets of all roles."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.jobs.job import FULL, Outcome, SlideTask
from pathgen.jobs.runner import Shelf, open_shelf, problems_of, prune, run_tasks
from pathgen.jobs.settings import SlideWorkSettings
from pathgen.patches.parquet import write_table
from pathgen.patches.schemas import EXTRACTED, check_table
from pathgen.patches.slide_cache import PLACE
from pathgen.patches.write_roles import no_room, patch_bytes, require_room, write_roles
from pathgen.sources.base import Source
from pathgen.sources.cache_key import in_use, pixel_identity, require_unchanged
from pathgen.sources.extract_task import ExtractSlide
from pathgen.sources.settings import CohortSettings

_log = logging.getLogger(__name__)


def extract_cohort(
    source: Source,
    root: Path,
    cohort: pd.DataFrame,
    samples: pd.DataFrame,
    cohort_settings: CohortSettings,
    size_px: int,
    folder: Path,
    slides_file: Path,
    slide_work: SlideWorkSettings,
) -> None:
    """Read the drawn patches and write one patch set per role, and how each slide was read.

    Slides are independent pieces of work whose pixels are kept: what was read before the last run ended,
    however it ended, is not read again, nor what another draw has in common with this one.

    Args:
        source: The source that made the cohort.
        root: The folder that the cohort's paths are relative to.
        cohort: The table `COHORT`.
        samples: The table `SAMPLES`.
        cohort_settings: The section `cohort`; with ``on_bad_slide: skip`` a slide of which a drawn patch
            cannot be read is left out with all its patches, and the table tells why.
        size_px: Side of the patches, px.
        folder: Where the patch sets shall be.
        slides_file: Where the table `EXTRACTED` shall be.
        slide_work: The section `slide_work`; the bytes written do not depend on it.

    Raises:
        PathgenErrors: Patches cannot be read, one error per slide; or, of slides left out, a role would
            have no patch of a class.
        PathgenError: A disk has too little room.
    """
    root = root.resolve()
    with open_shelf("extract", slide_work) as shelf:
        tasks = _tasks(source, root, cohort, samples, cohort_settings, size_px, shelf)
        unread = patch_bytes(sum(task.units for task in tasks if not task.place.exists()), size_px)
        wanted = patch_bytes(len(samples), size_px)
        require_room({shelf.folder: unread, folder: wanted})
        with _told_when_full(shelf.folder, unread):
            outcomes = run_tasks(shelf, tasks, "patches", "read patches")
        readable = _without_bad_slides(outcomes, samples, cohort_settings.on_bad_slide)
        with _told_when_full(folder, wanted):
            write_roles(readable, {task.slide: task.place for task in tasks}, folder, size_px)
            write_table(_extracted(outcomes, slides_file), slides_file)
        prune(shelf, tasks)


@contextmanager
def _told_when_full(folder: Path, needed: int) -> Iterator[None]:
    """Say which disk is full: a failed write does not name its file."""
    try:
        yield
    except OSError as problem:
        if problem.errno in FULL:
            raise no_room(folder, needed) from None
        raise


def _tasks(
    source: Source,
    root: Path,
    cohort: pd.DataFrame,
    samples: pd.DataFrame,
    settings: CohortSettings,
    size_px: int,
    shelf: Shelf,
) -> list[SlideTask]:
    rows = {row["slide"]: row for row in in_use(cohort)}
    drawn = samples.sort_values(["slide", "item"], kind="stable").groupby("slide", sort=True)
    if strange := sorted(set(samples["slide"]) - set(rows)):
        raise PathgenError(
            f"slide {strange[0]}", "has drawn patches, but is not in the cohort", "Run the stage sample again"
        )
    require_unchanged(root, [rows[str(slide)] for slide in drawn.groups])
    modules = ("pathgen.sources.extract_task", source.read_patches.__module__)
    tasks = []
    for name, of_slide in drawn:
        slide, places = str(name), of_slide[PLACE].reset_index(drop=True)
        part = places.astype(object).where(places.notna(), None).to_numpy().tolist()
        identity = pixel_identity(rows[slide], settings, size_px, part, modules)
        work = ExtractSlide(
            source=source,
            root=root,
            places=places,
            cohort=settings,
            size_px=size_px,
            threads=shelf.settings.threads_per_slide,
            identity=identity,
            shelf=shelf.of_slide(slide),
        )
        tasks.append(SlideTask(slide, shelf.of_slide(slide), identity, modules, len(places), work, (root,)))
    return tasks


def _without_bad_slides(
    outcomes: Sequence[Outcome], samples: pd.DataFrame, on_bad_slide: Literal["stop", "skip"]
) -> pd.DataFrame:
    """Return the patches that could be read, or refuse to go on without the others."""
    problems = [
        PathgenError(error.subject, error.reason, f"{error.hint}: cohort.exclude_slides: [{outcome.slide}]")
        for outcome in outcomes
        for error in problems_of([outcome])
    ]
    if problems and on_bad_slide == "stop":
        raise PathgenErrors(problems)
    bad = [outcome.slide for outcome in outcomes if outcome.problem is not None]
    readable = samples[~samples["slide"].isin(bad)]
    hint = "Mend or replace the slides named above, or draw others: sample.seed"
    empty = [
        PathgenError(f"{role}, {label}", "no patch is left without the bad slides", hint)
        for role, label in sorted(_cells(samples) - _cells(readable))
    ]
    if empty:
        raise PathgenErrors([*problems, *empty])
    for outcome in outcomes:
        if outcome.problem is not None:
            count = int((samples["slide"] == outcome.slide).sum())
            _log.warning(
                "slide %s and its %d patches are left out: %s", outcome.slide, count, outcome.problem
            )
    return readable


def _cells(samples: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the pairs of role and label that have patches."""
    return set(zip(samples["role"], samples["label"], strict=True))


def _extracted(outcomes: Sequence[Outcome], subject: object) -> pd.DataFrame:
    rows = [
        {"slide": outcome.slide, "patches": 0, "left_out": str(outcome.problem)}
        if outcome.problem is not None
        else {"slide": outcome.slide, **outcome.facts}
        for outcome in outcomes
    ]
    return check_table(pd.DataFrame(rows).reindex(columns=EXTRACTED.names), EXTRACTED, subject)
