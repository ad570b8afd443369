"""Run the tasks of all slides: take what is finished, do the rest, one bar for all, and tidy up."""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.progress import progress
from pathgen.jobs.dask_executor import SIGHT, workers_of
from pathgen.jobs.job import Outcome, SlideTask, finished, perform
from pathgen.jobs.settings import SlideWorkSettings

_USERS = ".users"
SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"


@dataclass(frozen=True)
class Shelf:
    """The folder in which one kind of work keeps the finished slides.

    Attributes:
        folder: Absolute path; a folder per slide, in it one per result.
        settings: How the slides are gone through.
    """

    folder: Path
    settings: SlideWorkSettings

    def of_slide(self, slide: str) -> Path:
        """Return a slide's folder."""
        return self.folder / slide


@contextmanager
def open_shelf(verb: str, settings: SlideWorkSettings) -> Iterator[Shelf]:
    """Say to other processes that this one uses the finished slides of one kind of work.

    Args:
        verb: The kind of work, e.g. ``"index"``.
        settings: The section `slide_work`.

    Yields:
        The shelf. Until the end of the block no other process removes what is on it.
    """
    folder = Path(settings.folder).resolve() / verb
    users = folder / _USERS
    users.mkdir(parents=True, exist_ok=True)
    own = filelock.FileLock(users / f"{uuid.uuid4().hex}.lock")
    with filelock.FileLock(folder / ".lock"):
        own.acquire()
    try:
        yield Shelf(folder, settings)
    finally:
        own.release()
        Path(own.lock_file).unlink(missing_ok=True)


def _sole_user(users: Path) -> bool:
    """Tell whether all locks but one are free, and remove those that killed processes left."""
    held = 0
    for file in users.iterdir():
        lock = filelock.FileLock(file)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            held += 1
            continue
        file.unlink(missing_ok=True)
        lock.release()
    return held <= 1


def prune(shelf: Shelf, tasks: Sequence[SlideTask]) -> None:
    """Remove what none of the tasks made, e.g. slides that left the cohort and results of older settings.

    Nothing is removed while another process uses the shelf; with ``keep: all`` only what killed processes
    left half-written.

    Args:
        shelf: The shelf.
        tasks: All tasks of the present cohort.
    """
    kept: dict[str, set[str]] = {}
    for task in tasks:
        kept.setdefault(task.folder.name, set()).add(task.identity.name)
    with filelock.FileLock(shelf.folder / ".lock"):
        if not _sole_user(shelf.folder / _USERS):
            return
        for slide in shelf.folder.iterdir():
            if slide.name.startswith(SIGHT):
                slide.unlink(missing_ok=True)
            if slide.name == _USERS or not slide.is_dir():
                continue
            everything = shelf.settings.keep == "all"
            for result in slide.iterdir():
                needed = everything or result.name in kept.get(slide.name, set())
                if result.name.startswith(".") or not needed:
                    shutil.rmtree(result, ignore_errors=True)
            if not any(slide.iterdir()):
                slide.rmdir()


@contextmanager
def _executor(shelf: Shelf) -> Iterator[Executor]:
    address = shelf.settings.scheduler or os.environ.get(SCHEDULER_VARIABLE)
    with ExitStack() as stack:
        if address:
            yield stack.enter_context(workers_of(address, shelf.folder))
        else:
            pool: AbstractContextManager[Executor] = ThreadPoolExecutor(
                shelf.settings.workers, thread_name_prefix="slide"
            )
            yield stack.enter_context(pool)


def run_tasks(shelf: Shelf, tasks: Sequence[SlideTask], unit: str, what: str) -> list[Outcome]:
    """Do the work of all slides, except of those whose finished work is on the shelf.

    Args:
        shelf: Where finished slides are kept.
        tasks: One per slide.
        unit: What the tasks' `units` count, plural, for the bar.
        what: What is being done, for the bar.

    Returns:
        One outcome per task, in their order.

    Raises:
        PathgenError: The work cannot go on, see `pathgen.jobs.job.perform`; slides finished by
            then stay on the shelf.
        OSError: The disk is full; likewise.
    """
    with ThreadPoolExecutor(shelf.settings.workers) as pool:
        outcomes = list(pool.map(finished, tasks))
    waiting = {number: task for number, task in enumerate(tasks) if outcomes[number] is None}
    done, failed = len(tasks) - len(waiting), 0
    before = sum(task.units for number, task in enumerate(tasks) if number not in waiting)
    with progress(sum(task.units for task in tasks), unit, what, done=before) as bar:
        bar.set_postfix_str(_postfix(done, len(tasks), failed), refresh=False)
        if not waiting:
            return [outcome for outcome in outcomes if outcome is not None]
        with _executor(shelf) as executor:
            futures = {executor.submit(perform, task): number for number, task in waiting.items()}
            try:
                for future in as_completed(futures):
                    outcome = future.result()
                    number = futures[future]
                    outcomes[number] = outcome
                    done += outcome.problem is None
                    failed += outcome.problem is not None
                    bar.set_postfix_str(_postfix(done, len(tasks), failed), refresh=False)
                    bar.update(tasks[number].units)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
    return [outcome for outcome in outcomes if outcome is not None]


def _postfix(done: int, total: int, failed: int) -> str:
    return f"slides={done}/{total}, failed={failed}"


def problems_of(outcomes: Sequence[Outcome]) -> list[PathgenError]:
    """Return every problem of every slide, in the outcomes' order."""
    return [
        error
        for outcome in outcomes
        if outcome.problem is not None
        for error in (
            outcome.problem.errors if isinstance(outcome.problem, PathgenErrors) else [outcome.problem]
        )
    ]
