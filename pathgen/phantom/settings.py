"""Sub-section `cohort.phantom`."""

from pydantic import Field, model_validator

from pathgen.core.params import Settings


class PhantomSettings(Settings):
    """Size, number and difficulty of the procedural slides.

    A slide depends on `seed`, its name and the fields that describe a slide, not on the number of slides or
    `workers`.
    """

    seed: int = Field(description="Seed of all slides.", ge=0)
    normal_slides: int = Field(description="Number of training slides without a lesion.", ge=0, le=999)
    tumor_slides: int = Field(description="Number of training slides with lesions.", ge=0, le=999)
    test_normal_slides: int = Field(description="Number of test slides without a lesion.", ge=0, le=999)
    test_tumor_slides: int = Field(description="Number of test slides with lesions.", ge=0, le=999)
    width_px: int = Field(description="Width of level 0, px.", ge=512, le=32768)
    height_px: int = Field(description="Height of level 0, px.", ge=512, le=32768)
    mpp: float = Field(description="Pixel size of level 0, um per px.", ge=0.2, le=2.0)
    levels: int = Field(
        description="Number of pyramid levels, each half the size of the previous one.", ge=1, le=8
    )
    tile_px: int = Field(
        description="Side of a TIFF tile, px; a multiple of 16.", ge=64, le=1024, multiple_of=16
    )
    jpeg_quality: int = Field(description="Quality of the JPEG tiles.", ge=30, le=100)
    tissue_share: float = Field(
        description="Share of the slide that is tissue; the rest is glass.", gt=0.05, le=0.8
    )
    lesion_share: float = Field(
        description="Share of a tumour slide's tissue that is lesion.", gt=0.0, le=0.8
    )
    stain_spread: float = Field(
        description="Standard deviation between slides of the logarithm of stain strength.",
        ge=0.0,
        le=0.5,
    )
    overlap: float = Field(
        description="Similarity of the classes: lymphocytes among tumour cells, reactive nuclei in normal "
        "tissue, small dark tumour cells. 0: none, 1: not separable.",
        ge=0.0,
        le=1.0,
    )
    workers: int = Field(
        description="Number of processes that draw slides; the bytes do not depend on it.", ge=1, le=64
    )

    @model_validator(mode="after")
    def _levels_fit(self) -> "PhantomSettings":
        smallest = min(self.width_px, self.height_px) >> (self.levels - 1)
        if smallest < 16:
            raise ValueError(
                f"levels = {self.levels} leaves {smallest} px at the last level; use fewer levels"
            )
        return self
