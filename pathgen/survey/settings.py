"""Settings of the cohort page (section ``survey``)."""

from pydantic import Field

from pathgen.core.params import Settings


class SurveySettings(Settings):
    """Section `survey`: contents of the cohort page. No setting changes a result."""

    seed: int = Field(ge=0, description="Seed of the random choice of patches for the contact sheets.")
    outlier_score: float = Field(
        gt=0.0,
        le=100.0,
        description="Modified z-score above which a slide is an outlier; Iglewicz and Hoaglin recommend 3.5.",
    )
    sheet_patches: int = Field(ge=1, le=400, description="Maximum number of patches on a contact sheet.")
    sheet_columns: int = Field(ge=1, le=40, description="Number of patches per row of a contact sheet.")
