"""The work on one slide as a task: done once, kept, and taken from its record the next time."""

import errno
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.jobs.code import code_digest
from pathgen.jobs.result_cache import Facts, Identity, draft_beside, put_in_place, read_record, write_record

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class SlideTask:
    """One slide's work. It can be sent to another machine that sees the same files.

    Attributes:
        slide: The slide's id.
        folder: The slide's folder among the records of this kind of work.
        identity: What shapes the result.
        modules: The modules whose code `identity` holds the digest of.
        units: How much work it is, in the unit of the progress bar.
        work: Writes the result's files into the folder it is given, and returns what it tells of the
            slide. A `PathgenError` means that the slide cannot be used.
        needs: Folders without which a machine can say nothing of the slide, e.g. a share of slides.
    """

    slide: str
    folder: Path
    identity: Identity
    modules: tuple[str, ...]
    units: int
    work: Callable[[Path], Facts]
    needs: tuple[Path, ...] = ()

    @property
    def place(self) -> Path:
        """The folder of the finished result and its record."""
        return self.folder / self.identity.name


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        slide: The slide's id.
        facts: What the work told of the slide; empty when it cannot be used.
        problem: Why it cannot be used; None where the files are in the task's place.
    """

    slide: str
    facts: Facts
    problem: PathgenError | None


def finished(task: SlideTask) -> Outcome | None:
    """Return the outcome of work that was done before, or None.

    A slide that could not be used is tried again: the cause may be gone, e.g. a share that was not there.
    """
    record = read_record(task.place)
    if record is None or record.reason is not None or record.identity != task.identity:
        return None
    return Outcome(task.slide, record.facts, None)


def _in_one(problem: PathgenError) -> PathgenError:
    if isinstance(problem, PathgenErrors) and len(problem.errors) == 1:
        return problem.errors[0]
    return problem


def _require_folders(task: SlideTask) -> None:
    for folder in (task.folder.parent, *task.needs):
        if not folder.is_dir():
            raise PathgenError(
                f"worker on {socket.gethostname()}",
                f"does not see {folder}",
                "Put it on a file system that all machines share, and run the same command again",
            )


def perform(task: SlideTask) -> Outcome:
    """Do a task's work, or find that another process has done it.

    Args:
        task: The task.

    Returns:
        Its outcome; also that a slide cannot be used, which is no reason to stop the other slides.

    Raises:
        PathgenError: This process runs other code than the task was made by or does not see the folders,
            or input and output failed in a way that says nothing of the slide (a broken disk or network).
        OSError: The disk is full.
    """
    if code_digest(*task.modules) != task.identity.code:
        raise PathgenError(
            f"worker on {socket.gethostname()}",
            "runs other code or other libraries than this stage",
            "Restart the Dask workers with the same environment and the same version of pathgen",
        )
    _require_folders(task)
    if (before := finished(task)) is not None:
        return before
    begun = time.monotonic()
    with draft_beside(task.place) as draft:
        facts: Facts = {}
        problem = None
        try:
            facts = task.work(draft)
        except PathgenError as refusal:
            problem = _in_one(refusal)
            shutil.rmtree(draft)
            draft.mkdir()
        except OSError as failure:
            if failure.errno in FULL or failure.errno is None:
                raise
            raise PathgenError(
                f"slide {task.slide}",
                f"input or output failed on {socket.gethostname()}: {failure}",
                "Look at the disk and the network and run the same command again; finished slides are kept",
            ) from failure
        if problem is not None:
            _require_folders(task)  # A share that went away meanwhile is no fault of the slide.
        reason = None if problem is None else str(problem)
        write_record(draft, task.identity, facts, reason, time.monotonic() - begun)
        put_in_place(draft, task.place)
    return Outcome(task.slide, facts, problem)
