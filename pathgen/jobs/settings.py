"""Settings of the job runner: how many jobs run at a time, and where. No result depends on them."""

from typing import Literal

from pydantic import Field

from pathgen.core.params import Settings


class JobSettings(Settings):
    """Section `jobs`: how slides and trainings are distributed over processors and machines."""

    folder: str = Field(
        min_length=1,
        description="Folder of the result cache. Checkouts may share one; with a scheduler it must be on a "
        "file system that the workers share.",
    )
    keep: Literal["present", "all"] = Field(
        default="present",
        description="present: a stage that ends well removes results that the present cohort and settings do "
        "not need; all: it removes none, for a folder that several checkouts share.",
    )
    workers: int = Field(ge=1, le=1024, description="Number of jobs at a time on this machine.")
    processes: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Number of trainings, evaluations, audits, fidelity measurements or slide pictures of a "
        "stage at a time; the first three with `compute.threads` threads each, the others with one. Always "
        "on this machine. On a GPU they share its memory.",
    )
    threads_per_slide: int = Field(
        ge=1, le=256, description="Number of threads that read the pixels of one slide, here or on a worker."
    )
    scheduler: str | None = Field(
        default=None,
        min_length=1,
        description="Address of a Dask scheduler whose workers run the jobs, e.g. tcp://10.0.0.5:8786; null: "
        "DASK_SCHEDULER_ADDRESS if it is set, else this machine alone.",
    )
