"""Key facts of a slide, or why it cannot be used."""

from dataclasses import dataclass
from pathlib import Path

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
