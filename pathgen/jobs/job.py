"""One job: work that is computed once, kept in a cache, and loaded the next time."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pathgen.core.errors import PathgenError, is_disk_full
from pathgen.core.files import sha256_of
from pathgen.jobs.result_cache import JobResult, ResultCache, Values
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.provenance.code_hash import ROOT


@dataclass(frozen=True)
class Job:
    """Independent work, e.g. the indexing of a slide or one training. It can be sent to another machine.

    Attributes:
        name: Name, unique in its cache, e.g. ``tumor_001``; also the name of a folder.
        key: Everything that shapes the result.
        work: Writes the files of the result into the folder that it is called with, and returns further
            values of the result (plain JSON values). It must be picklable: a function at the top level of a
            module, `functools.partial` of one, or an instance of a dataclass with `__call__`. A
            `PathgenError` means that this job fails, not the others.
        size: Amount of work in units of the progress bar.
        needs: Folders without which a machine cannot judge the input, e.g. a network share of slides.
    """

    name: str
    key: CacheKey
    work: Callable[[Path], Values]
    size: int = 1
    needs: tuple[Path, ...] = ()


def run_job(job: Job, cache: ResultCache) -> JobResult:
    """Load the result of a job, or compute it and add it to the cache.

    Args:
        job: The job.
        cache: Cache of finished results.

    Returns:
        The result. A `PathgenError` of the work becomes a result with a problem.

    Raises:
        PathgenError: This process has other code or libraries than the key names, does not see a folder, or
            input or output failed for a reason that is not the job's (a broken disk or network).
        OSError: The disk is full.
    """
    machine = socket.gethostname()
    if changed := _changed_here(job.key):
        raise PathgenError(
            f"worker on {machine}",
            f"has another version of {changed[0]} than the process that started it",
            "Restart the workers with the same environment and the same version of pathgen",
        )
    _check_folders(job, cache)
    if (finished := cache.load(job.name, job.key)) is not None:
        return finished
    with cache.draft(job.name) as draft:
        try:
            values = job.work(draft)
        except PathgenError as problem:
            _check_folders(job, cache)  # A share that has gone is not the job's fault.
            return JobResult(job.name, job.key, cache.place(job.name, job.key), {}, problem)
        except OSError as failure:
            if is_disk_full(failure) or failure.errno is None:
                raise
            raise PathgenError(
                job.name,
                f"input or output failed on {machine}: {failure}",
                "Check the disk and the network and run the same command again; finished jobs are kept",
            ) from failure
        return cache.commit(draft, job.name, job.key, values)


def _changed_here(key: CacheKey) -> list[str]:
    """Return the files and libraries that differ in this process from those of a key."""
    here = library_versions(*key.libraries)
    files = [name for name, digest in key.code.items() if _first_hash(ROOT / name) != digest]
    return files + [name for name, wanted in key.libraries.items() if here[name] != wanted]


@lru_cache(maxsize=4096)
def _first_hash(file: Path) -> str | None:
    """Hash a file once per process: a long-lived worker keeps the code that it has loaded."""
    return sha256_of(file) if file.is_file() else None


def _check_folders(job: Job, cache: ResultCache) -> None:
    for folder in (cache.folder, *job.needs):
        if not folder.is_dir():
            raise PathgenError(
                f"worker on {socket.gethostname()}",
                f"does not see {folder}",
                "Put it on a file system that all machines share, and run the same command again",
            )
