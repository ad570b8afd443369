"""Section `index`: which squares of a slide become candidate patches."""

from typing import Literal

import pydantic

from pathgen.core.params import Settings

Meaning = Literal["lesion", "exclusion", "ignore"]
Origin = Literal["slide", "bounds"]


class TissueSettings(Settings):
    """Detection of tissue on a thumbnail of the slide."""

    method: Literal["otsu_saturation"] = pydantic.Field(
        description="Otsu's threshold on the saturation of HSV; the only method"
    )
    thumbnail_mpp: float = pydantic.Field(
        description="Resolution of the thumbnail, um per pixel; the nearest finer one is used",
        ge=1,
        le=64,
    )
    min_saturation: float = pydantic.Field(
        description="The threshold is at least this, so that an empty slide has no tissue", ge=0, le=1
    )
    black_below: int = pydantic.Field(
        description="A pixel whose brightest channel is below this is black padding, not tissue", ge=0, le=255
    )
    opening_um: float = pydantic.Field(
        description="Specks narrower than this are removed; 0: none", ge=0, le=5000
    )
    closing_um: float = pydantic.Field(
        description="Gaps narrower than this are filled; 0: none", ge=0, le=5000
    )
    pen_min_width_um: float | None = pydantic.Field(
        default=None,
        description="Ink at least this wide is a pen mark, not tissue; null: no "
        "detection, required for other stains than H&E",
        ge=10,
        le=5000,
    )

    @pydantic.model_validator(mode="after")
    def _picture_resolves_pens(self) -> "TissueSettings":
        """Check that a pen mark is at least three pixels wide on the thumbnail."""
        if self.pen_min_width_um is not None and self.pen_min_width_um < 3 * self.thumbnail_mpp:
            raise ValueError(
                f"pen_min_width_um {self.pen_min_width_um} is less than three pixels of thumbnail_mpp "
                f"{self.thumbnail_mpp}"
            )
        return self


class AnnotationSettings(Settings):
    """Interpretation of the annotation files."""

    groups: dict[str, Meaning] = pydantic.Field(
        description="Meaning of groups (classes) beyond Tumor, _0, _1, Metastasis, metastases (lesion), "
        "Exclusion, _2 and normal (exclusion), in any case; None stands for outlines without a group. "
        "exclusion: neither tumour nor normal tissue; ignore: as if not drawn. All others are refused"
    )
    without_area: Literal["refuse", "drop"] = pydantic.Field(
        description="Treatment of annotations that enclose no area (dots, lines, fewer than 3 vertices)"
    )
    origin: Origin | None = pydantic.Field(
        default=None,
        description="Origin of the coordinates of GeoJSON on slides with a scanned area that does not begin "
        "at their corner (openslide.bounds-x and -y; MRXS, SCN, BIF). bounds: the scanned area, as QuPath "
        "exports; slide: the corner; null refuses such files",
    )

    @pydantic.field_validator("groups")
    @classmethod
    def _one_meaning_each(cls, groups: dict[str, Meaning]) -> dict[str, Meaning]:
        """Check that no group is there in two spellings, which files do not distinguish."""
        names = [name.strip().casefold() for name in groups]
        if twice := [name for name in groups if names.count(name.strip().casefold()) > 1]:
            raise ValueError(f"{' and '.join(twice)} are the same group")
        return groups


class IndexSettings(Settings):
    """Section `index`."""

    patch_px: int = pydantic.Field(description="Side of a patch in pixels of resolution mpp", ge=8, le=8192)
    stride_px: int = pydantic.Field(
        description="Distance of neighbouring patches, in pixels of resolution mpp", ge=1, le=8192
    )
    mpp: float = pydantic.Field(description="Nominal resolution, um per pixel", ge=0.05, le=10)
    mpp_tolerance: float = pydantic.Field(
        description="Slides whose resolution differs by less than this part are cut at patch_px of their own "
        "pixels (scanners called 40x have 0.226 to 0.25); others at the same number of microns",
        ge=0,
        lt=1,
    )
    min_tissue_fraction: float = pydantic.Field(
        description="Smallest fraction of tissue of a candidate", ge=0, le=1
    )
    tissue: TissueSettings
    annotations: AnnotationSettings

    @pydantic.model_validator(mode="after")
    def _picture_resolves_patches(self) -> "IndexSettings":
        """Check that a patch is at least one pixel of the thumbnail."""
        if self.tissue.thumbnail_mpp > self.patch_px * self.mpp:
            raise ValueError(
                f"tissue.thumbnail_mpp {self.tissue.thumbnail_mpp} is coarser than a whole patch "
                f"({self.patch_px * self.mpp} um)"
            )
        return self
