"""The independent parts of a stage (trainings, audits), side by side in processes of their own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import load_section
from pathgen.jobs.job import Job
from pathgen.jobs.result_cache import JobResult, ResultCache
from pathgen.jobs.runner import process_pool, prune, run_jobs
from pathgen.jobs.settings import JobSettings
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.training.settings import ComputeSettings
from stages.stage import Stage

_LIBRARIES = ("numpy", "opacus", "scikit-learn", "scipy", "torch", "torchvision")


def part_key(
    stage: Stage,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    compute: ComputeSettings,
    device: object,
) -> CacheKey:
    """Return the key of one part of a stage.

    Args:
        stage: The running stage.
        settings: All settings that shape the result, besides `compute`.
        inputs: Hashes of all files that it reads, see `file_hashes`.
        compute: Section ``compute``.
        device: Device that it computes on.
    """
    shaping = {**settings, "compute": {**compute.model_dump(), "device": str(device)}}
    return CacheKey(shaping, inputs, stage.code, library_versions(*_LIBRARIES))


def run_parts(stage: Stage, jobs: Sequence[Job], name: str, unit: str) -> list[JobResult]:
    """Load the parts that are finished, and run the others, `jobs.processes` at a time.

    Args:
        stage: The running stage; no duration is recorded of one that has loaded a part.
        jobs: One job per part.
        name: Name of their cache and in the progress bar; one for each item of a stage.
        unit: What a part is, plural, for the progress bar.

    Returns:
        One result per job, in their order.

    Raises:
        PathgenErrors: Parts have failed; the finished ones are kept.
    """
    settings = load_section("jobs", JobSettings)
    cache = ResultCache(Path(settings.folder) / name)
    with process_pool(settings.processes, "jobs.processes") as pool:
        results = run_jobs(jobs, cache, pool, unit=unit, desc=name)
    stage.reused = any(result.loaded for result in results)
    if problems := [error for result in results for error in result.errors]:
        raise PathgenErrors(problems)
    prune(jobs, cache, settings)
    return results
