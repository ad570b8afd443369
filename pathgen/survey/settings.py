"""Settings of the section `survey`."""

from pydantic import Field

from pathgen.core.params import Settings


class SurveySettings(Settings):
    """How the cohort is shown; nothing here changes a result."""

    seed: int = Field(ge=0, description="Seed of the draw of patches for the contact sheets.")
    outlier_score: float = Field(
        gt=0.0,
        le=100.0,
        description="A slide whose modified z-score exceeds this is named as an outlier; Iglewicz and "
        "Hoaglin recommend 3.5.",
    )
    sheet_patches: int = Field(
        ge=1, le=400, description="At most this many patches per class and role on a contact sheet."
    )
    sheet_columns: int = Field(ge=1, le=40, description="Patches side by side on a contact sheet.")
