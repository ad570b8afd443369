"""Key facts of a slide or an annotation file, or why it cannot be used."""

from dataclasses import dataclass
from pathlib import Path

from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.reader import open_slide
from pathgen.wsi.tiff import check_complete, tiff_facts


@dataclass(frozen=True)
class SlideFacts:
    """Key facts of a slide.

    Attributes:
        vendor: Format as OpenSlide names it.
        width_px: Width of level 0.
        height_px: Height of level 0.
        level_dimensions: (width, height) of every level, px.
        downsamples: Downsample of every level.
        mpp_x: Resolution of level 0, um/px.
        mpp_y: Resolution of level 0, um/px.
        compression: Compression of level 0 as tifffile names it, e.g. ``"JPEG"``; None if not a TIFF.
        tile_px: (width, height) of level 0's tiles; None if not a TIFF.
    """

    vendor: str
    width_px: int
    height_px: int
    level_dimensions: tuple[tuple[int, int], ...]
    downsamples: tuple[float, ...]
    mpp_x: float
    mpp_y: float
    compression: str | None
    tile_px: tuple[int, int] | None

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.level_dimensions)


@dataclass(frozen=True)
class AnnotationFacts:
    """Key facts of an annotation file.

    Attributes:
        groups: Number of annotations by group of the file.
        lesions: Number of separate lesion areas after uniting overlapping outlines.
        exclusions: Number of separate exclusion areas.
        lesion_area_px: Area of the lesions including exclusions, level-0 px squared.
        exclusion_area_px: Area of the exclusions, level-0 px squared.
        without_area: Number of annotations that enclose no area.
    """

    groups: dict[str, int]
    lesions: int
    exclusions: int
    lesion_area_px: float
    exclusion_area_px: float
    without_area: int


def describe_slide(path: Path, mpp_if_missing: float | None) -> SlideFacts:
    """Open a slide and return its key facts.

    This also finds tiles past the end of a truncated TIFF, and decodes the first pixel of level 0.

    Args:
        path: Path of the slide.
        mpp_if_missing: See `pathgen.wsi.reader.open_slide`.

    Returns:
        Its facts.

    Raises:
        PathgenError: The file cannot be used, with the reason.
    """
    with open_slide(path, mpp_if_missing) as slide:
        check_complete(path)
        slide.read_region_l0(0, 0, 1, 1)
        tiff = tiff_facts(path)
        return SlideFacts(
            vendor=slide.vendor,
            width_px=slide.dimensions[0],
            height_px=slide.dimensions[1],
            level_dimensions=slide.level_dimensions,
            downsamples=slide.downsamples,
            mpp_x=slide.mpp[0],
            mpp_y=slide.mpp[1],
            compression=tiff.compression if tiff else None,
            tile_px=tiff.tile_px if tiff else None,
        )


def describe_annotation(path: Path) -> AnnotationFacts:
    """Read an annotation file and return its key facts.

    Unknown groups are counted in `groups` and not as lesions; for a study the setting
    ``index.annotations.unknown_group`` decides.

    Args:
        path: ASAP XML or QuPath GeoJSON.

    Returns:
        Its facts.

    Raises:
        PathgenError: The file cannot be used, with the reason.
    """
    found = read_annotations(path, unknown_group="ignore", without_area="drop")
    return AnnotationFacts(
        groups=found.groups,
        lesions=len(found.lesions.geoms),
        exclusions=len(found.exclusions.geoms),
        lesion_area_px=float(found.lesions.area),
        exclusion_area_px=float(found.exclusions.area),
        without_area=found.dropped,
    )
