"""Settings of the section `report`."""

from typing import Literal

from pydantic import Field

from pathgen.core.params import Settings


class ReportSettings(Settings):
    """What the report shows; nothing here changes a result."""

    title: str = Field(min_length=1, max_length=200, description="Heading of the page.")
    confidence: float = Field(
        gt=0.5,
        lt=1.0,
        description="Level of the intervals over seeds, e.g. 0.95, where the regimes were not compared. "
        "Where they were, all intervals have the level of the comparison, evaluate.confidence.",
    )
    grid_patches: int = Field(
        ge=1,
        le=400,
        description="Patches in each grid of original or synthetic patches (the paper shows 64).",
    )
    grid_columns: int = Field(ge=1, le=40, description="Patches side by side in a grid.")
    overlay_slides: int = Field(
        ge=0, le=200, description="At most this many slides are shown with their outlines; 0 shows none."
    )
    patient_pictures: Literal["shown", "left_out"] = Field(
        description="Whether the page carries pictures made from patients' slides (original patches, slide "
        "overlays, nearest-neighbour gallery). 'left_out' makes a page that may be passed on."
    )
