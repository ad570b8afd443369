"""Settings of the work per slide: how much at a time, and where. No result depends on them."""

from typing import Literal

from pydantic import Field

from pathgen.core.params import Settings


class SlideWorkSettings(Settings):
    """Section `slide_work`: how the stages index and extract go through the slides."""

    folder: str = Field(
        min_length=1,
        description="Where finished slides are kept from run to run. Checkouts may share one; with a "
        "scheduler it must be on a file system that the workers share.",
    )
    keep: Literal["present", "all"] = Field(
        default="present",
        description="present: when a stage has ended well, finished slides are removed that the present "
        "cohort and settings do not need; all: none are, for a folder that checkouts with other settings "
        "share.",
    )
    workers: int = Field(ge=1, le=1024, description="Slides worked on at a time on this machine.")
    threads_per_slide: int = Field(
        ge=1, le=256, description="Threads that read the pixels of one slide, here or on a Dask worker."
    )
    scheduler: str | None = Field(
        default=None,
        min_length=1,
        description="Address of a Dask scheduler, e.g. tcp://10.0.0.5:8786, whose workers do the slides; "
        "null: DASK_SCHEDULER_ADDRESS if it is set, else this machine alone.",
    )
