"""Settings of the stage `cohort`: which source, where it is, and what each source needs to know."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from pathgen.core.params import Settings
from pathgen.phantom.settings import PhantomSettings

PHANTOM_FOLDER = Path("data/phantom")


class SlidesSettings(Settings):
    """What the source `slides` needs."""

    table: str = Field(min_length=1, description="Name of the CSV file that lists the slides, in the root.")


class PcamSettings(Settings):
    """What the source `pcam` needs."""

    crop_px: int = Field(
        ge=8, le=96, description="Side of the centre of the 96 px patches that is kept; 96 keeps all."
    )


class PatchesSettings(Settings):
    """What the source `patches` needs."""

    slide_pattern: str = Field(
        description="Regular expression that a file name must match as a whole; its group `slide` is the "
        r"slide id, e.g. ^(?P<slide>.+?)_\d+_\d+\.png$ for tumor_001_69916_134313.png."
    )

    @model_validator(mode="after")
    def _names_the_slide(self) -> "PatchesSettings":
        try:
            groups = re.compile(self.slide_pattern).groupindex
        except re.error as problem:
            raise ValueError(f"slide_pattern is no regular expression: {problem}") from None
        if "slide" not in groups:
            raise ValueError("slide_pattern has no group (?P<slide>...)")
        return self


class CohortSettings(Settings):
    """Section `cohort`: the source of patches."""

    source: Literal["phantom", "camelyon16", "slides", "pcam", "patches"] = Field(
        description="Where the patches come from."
    )
    root: str | None = Field(
        default=None,
        min_length=1,
        description="Folder of the data. Null for phantom, whose slides are drawn into data/phantom.",
    )
    on_bad_slide: Literal["stop", "skip"] = Field(
        description="stop: name every bad slide and do nothing; skip: leave them out and list them."
    )
    exclude_slides: list[str] = Field(
        default_factory=list,
        description="Ids of slides to leave out, e.g. one whose pixels turned out to be damaged.",
    )
    mpp_if_missing: float | None = Field(
        default=None,
        gt=0.05,
        le=10,
        description="Resolution in um/px of slides that do not say theirs; null refuses them.",
    )
    use_unannotated_tissue: bool = Field(
        description="Whether tissue outside the outlines is normal on slides whose lesions are not all "
        "annotated. False leaves it out."
    )
    phantom: PhantomSettings | None = None
    slides: SlidesSettings | None = None
    pcam: PcamSettings | None = None
    patches: PatchesSettings | None = None

    @model_validator(mode="after")
    def _source_is_complete(self) -> "CohortSettings":
        if self.source != "camelyon16" and getattr(self, self.source) is None:
            raise ValueError(f"source {self.source} needs its own sub-section cohort.{self.source}")
        if self.source == "phantom" and self.root is not None:
            raise ValueError(f"root must be null for phantom: its slides are drawn into {PHANTOM_FOLDER}")
        if self.source != "phantom" and self.root is None:
            raise ValueError(f"root must name the folder of the data for source {self.source}")
        return self

    @property
    def folder(self) -> Path:
        """The folder that all paths of the cohort are relative to."""
        return PHANTOM_FOLDER if self.root is None else Path(self.root)
