"""Run many jobs: load what is cached, compute the rest in parallel, show one progress bar."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.files import report_full_disk
from pathgen.core.progress import progress
from pathgen.jobs.dask_executor import dask_executor
from pathgen.jobs.job import Job, run_job
from pathgen.jobs.result_cache import JobResult, ResultCache
from pathgen.jobs.settings import JobSettings

SCHEDULER_VARIABLE = "DASK_SCHEDULER_ADDRESS"


@contextmanager
def open_executor(settings: JobSettings, shared: Path, *, processes: bool = False) -> Iterator[Executor]:
    """Open the executor that the settings ask for: workers of a Dask scheduler, else this machine.

    Args:
        settings: The section `jobs`.
        shared: Folder that all workers must see, e.g. that of the cache.
        processes: Whether the workers of this machine are processes. They cost the start of Python each;
            threads do as well where most of the work is in libraries that release Python's lock.

    Yields:
        The executor.

    Raises:
        PathgenError: Dask is not installed, its scheduler does not answer, or a worker process was killed.
    """
    address = settings.scheduler or os.environ.get(SCHEDULER_VARIABLE)
    if address:
        with dask_executor(address, shared) as executor:
            yield executor
    elif processes:
        with process_pool(settings.workers, "jobs.workers") as pool:
            yield pool
    else:
        with ThreadPoolExecutor(settings.workers, thread_name_prefix="job") as threads:
            yield threads


@contextmanager
def process_pool(workers: int, setting: str) -> Iterator[Executor]:
    """Open worker processes of this machine; they end with this process, also when it is killed.

    Args:
        workers: Number of processes.
        setting: Setting that the number is from, for the message.

    Yields:
        The executor.

    Raises:
        PathgenError: A worker process was killed.
    """
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
            yield pool
    except BrokenProcessPool:
        raise PathgenError(
            "a worker process",
            "was killed, most likely because the memory was full",
            f"Lower {setting} and run the same command again; finished jobs are kept",
        ) from None


def run_jobs(
    jobs: Sequence[Job], cache: ResultCache, executor: Executor, *, unit: str, desc: str
) -> list[JobResult]:
    """Load or compute the results of all jobs.

    Results are added to the cache one by one. After ``kill -9`` or a full disk the same call continues; a job
    more is one job more to compute.

    Args:
        jobs: Jobs with different names.
        cache: Cache of finished results.
        executor: Where jobs run, see `open_executor`.
        unit: Unit of the jobs' `size`, plural, for the progress bar.
        desc: Description for the progress bar.

    Returns:
        One result per job, in their order. Failed jobs have a `problem`.

    Raises:
        PathgenError: The disk is full, or the work cannot go on, see `pathgen.jobs.job.run_job`.
    """
    results = {job.name: found for job in jobs if (found := cache.load(job.name, job.key)) is not None}
    assert len({job.name for job in jobs}) == len(jobs), "names of jobs are unique"
    missing = [job for job in jobs if job.name not in results]
    done = sum(job.size for job in jobs if job.name in results)
    with (
        report_full_disk(cache.folder),
        progress(sum(job.size for job in jobs), unit, desc, done=done) as bar,
    ):
        bar.set_postfix_str(_postfix(results, len(jobs)), refresh=False)
        futures = {executor.submit(run_job, job, cache): job for job in missing}
        try:
            for future in as_completed(futures):
                job = futures[future]
                results[job.name] = future.result()
                bar.set_postfix_str(_postfix(results, len(jobs)), refresh=False)
                bar.update(job.size)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return [results[job.name] for job in jobs]


def prune(jobs: Sequence[Job], cache: ResultCache, settings: JobSettings) -> None:
    """Remove results that the present jobs do not need, unless the settings keep all.

    Args:
        jobs: All present jobs.
        cache: Cache of finished results.
        settings: The section `jobs`.
    """
    if settings.keep == "present":
        cache.prune((job.name, job.key) for job in jobs)
    else:
        cache.remove_abandoned_drafts()


def _postfix(results: dict[str, JobResult], total: int) -> str:
    failed = sum(result.problem is not None for result in results.values())
    return f"jobs={len(results) - failed}/{total}, failed={failed}"


def _end_with_parent() -> None:
    """End a worker process when the process that started it is killed."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
