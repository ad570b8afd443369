"""Settings of the stage `cohort`."""

from pathlib import Path
from typing import Literal

import pydantic
from pydantic import Field

from pathgen.core import layout
from pathgen.core.dvc_copy import from_original
from pathgen.core.params import S, Settings
from pathgen.sources.spelling import composed


class CohortSettings(Settings):
    """Section `cohort`: the source of patches, and in a sub-section with its name the source's own settings.

    The sub-section is checked by `pathgen.sources.source_discovery.parse_cohort`.
    """

    model_config = pydantic.ConfigDict(extra="allow")

    source: str = Field(description="Source of the patches: name of a file in pathgen/sources.")
    root: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of the data. Null for phantom, whose slides are drawn into data/phantom.",
    )
    on_bad_slide: Literal["stop", "skip"] = Field(
        description="stop: report every bad slide and do nothing; skip: leave them out and list them."
    )
    exclude_slides: list[str] = Field(
        default_factory=list,
        description="Ids of slides to leave out, e.g. one whose pixels turned out to be damaged.",
    )
    mpp_if_missing: float | None = Field(
        default=None,
        gt=0.05,
        le=10,
        description="Resolution, um/px, of slides whose file does not contain it; null refuses them.",
    )
    implausible_outlines: Literal["stop", "warn"] = Field(
        default="stop",
        description="Treatment of outlines that do not fit their slide, see docs/decisions/0026-outlines.md. "
        "stop: as bad slides; warn: they are logged and used nevertheless.",
    )
    accepted_outlines: list[str] = Field(
        default_factory=list,
        description="Ids of slides with outlines that were checked and are right, although they seem wrong.",
    )
    near_duplicates: Literal["keep", "leave_out"] = Field(
        default="keep",
        description="Ready-made patches that show the picture of another one, rotated, mirrored or "
        "compressed again. keep: count and list them; leave_out: use one patch of each picture, none if both "
        "labels occur.",
    )
    use_unannotated_tissue: bool = Field(
        description="Whether tissue outside the outlines is normal on slides whose lesions are not all "
        "annotated. False leaves it out."
    )

    @pydantic.field_validator("exclude_slides", "accepted_outlines")
    @classmethod
    def _compose(cls, slides: list[str]) -> list[str]:
        return [composed(slide) for slide in slides]  # as slide ids are

    @property
    def folder(self) -> Path:
        """Folder that all paths of the cohort are relative to."""
        return layout.PHANTOM if self.root is None else from_original(Path(self.root))

    def own(self, model: type[S]) -> S:
        """Return the sub-section of the source.

        Args:
            model: Settings class of the source.
        """
        return model.model_validate((self.model_extra or {})[self.source])
