"""Tell the key facts of a slide or an annotation file, and refuse what the suite cannot use."""

from dataclasses import dataclass
from pathlib import Path

from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.reader import open_slide
from pathgen.wsi.tiff import require_whole, tiff_facts


@dataclass(frozen=True)
class SlideFacts:
    """Key facts of a slide.

    Attributes:
        vendor: OpenSlide's name of the format.
        width_px: Of level 0.
        height_px: Of level 0.
        level_dimensions: (width, height) of every level, px.
        downsamples: Of every level.
        mpp_x: Resolution of level 0, um/px.
        mpp_y: Resolution of level 0, um/px.
        compression: Of level 0 as tifffile names it, e.g. ``"JPEG"``; None where the file is no TIFF.
        tile_px: (width, height) of level 0's tiles; None where the file is no TIFF.
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
        """How many levels the slide has."""
        return len(self.level_dimensions)


@dataclass(frozen=True)
class AnnotationFacts:
    """Key facts of an annotation file.

    Attributes:
        groups: Number of annotations by the file's own group names.
        lesions: Number of separate lesion areas after uniting overlapping outlines.
        exclusions: Number of separate exclusion areas.
        lesion_area_px: Of the lesions, exclusions not taken out, level-0 px squared.
        exclusion_area_px: Of the exclusions, level-0 px squared.
        without_area: Number of annotations that enclose no area.
    """

    groups: dict[str, int]
    lesions: int
    exclusions: int
    lesion_area_px: float
    exclusion_area_px: float
    without_area: int


def describe_slide(path: Path, mpp_if_missing: float | None) -> SlideFacts:
    """Open a slide and tell what it is.

    Beyond opening it, this finds tiles that lie past the end of a truncated TIFF, and decodes the first
    pixel of level 0.

    Args:
        path: The slide.
        mpp_if_missing: See `pathgen.wsi.reader.open_slide`.

    Returns:
        Its facts.

    Raises:
        PathgenError: The suite cannot use it; says why.
    """
    with open_slide(path, mpp_if_missing) as slide:
        require_whole(path)
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
    """Read an annotation file and tell what it holds.

    Groups of unknown meaning are counted in `groups` and are no lesions here; whether the study takes
    them is the setting ``index.annotations.unknown_group``.

    Args:
        path: ASAP XML or QuPath GeoJSON.

    Returns:
        Its facts.

    Raises:
        PathgenError: The suite cannot use it; says why.
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
