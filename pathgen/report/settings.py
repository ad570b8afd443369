"""Settings of the report (section ``report``)."""

from typing import Literal

from pydantic import Field

from pathgen.core.params import Settings


class ReportSettings(Settings):
    """Section `report`: what the report shows. No setting changes a result."""

    title: str = Field(min_length=1, max_length=200, description="Heading of the page.")
    grid_patches: int = Field(
        ge=1,
        le=400,
        description="Number of patches in each grid of original or synthetic patches (64 in the paper).",
    )
    grid_columns: int = Field(ge=1, le=40, description="Number of patches per row of a grid.")
    patient_pictures: Literal["shown", "left_out"] = Field(
        description="Whether the page shows pictures made from patients' slides (original patches, "
        "closest pairs). 'left_out' makes a page that may be passed on."
    )
