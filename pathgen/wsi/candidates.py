"""Find the candidate patches of one slide: the grid squares on tissue, with their fractions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon

from pathgen.core.errors import PathgenError
from pathgen.core.labels import Label
from pathgen.wsi.annotations import NOTHING_ANNOTATED, Annotations, read_annotations
from pathgen.wsi.area_fractions import area_fractions, tissue_fractions, touches_area
from pathgen.wsi.geometry import grid_positions, length_l0
from pathgen.wsi.reader import Slide, open_slide
from pathgen.wsi.settings import AnnotationSettings, IndexSettings
from pathgen.wsi.tissue import TissueMask, find_tissue

# The study's label mask was pyramid level 6: one pixel per 64 x 64 pixels of level 0.
_LABEL_CELL_PX = 64
_MAX_ANISOTROPY = 0.05


@dataclass(frozen=True)
class IndexedSlide:
    """Candidates of a slide.

    Attributes:
        candidates: One row per square on tissue, by grid number: item (int64, the square's number in
            the whole grid, row by row), x_l0, y_l0, size_l0 (int64, level-0 px), tissue_fraction,
            tumor_fraction (area of lesions without exclusions), exclusion_fraction (float64 in [0, 1]),
            touches_tumor (bool; the published rule). Both tumour columns and exclusion_fraction are
            empty if the slide is neither annotated nor labelled normal.
        thumbnail: uint8 of shape (h, w, 3), the thumbnail on which tissue was detected.
        tissue: Tissue mask, with its scale.
        lesion_outlines: Rings of the lesions, float64 of shape (k, 2), in thumbnail px.
        exclusion_outlines: Rings of the exclusions, float64 of shape (k, 2), in thumbnail px.
        tissue_fraction: Fraction of the slide's stored pixels (without missing tiles) that is tissue.
        tissue_mm2: Area of the tissue, square millimetres.
        lesion_mm2: Area of the lesions without exclusions, square millimetres; None if unknown.
        mean_rgb: Mean colour of the tissue on the thumbnail, 0 to 255.
        annotations_dropped: Number of annotations without area that were left out.
    """

    candidates: pd.DataFrame
    thumbnail: NDArray[np.uint8]
    tissue: TissueMask
    lesion_outlines: list[NDArray[np.float64]]
    exclusion_outlines: list[NDArray[np.float64]]
    tissue_fraction: float
    tissue_mm2: float
    lesion_mm2: float | None
    mean_rgb: tuple[float, float, float]
    annotations_dropped: int


def _isotropic_mpp(slide: Slide) -> float:
    x, y = slide.mpp
    if abs(x / y - 1) > _MAX_ANISOTROPY:
        raise PathgenError(
            slide.path, f"its pixels are not square ({x} x {y} um)", "Leave the slide out, or resample it"
        )
    return (x + y) / 2


def _annotations(
    slide: Slide,
    annotation_path: Path | None,
    slide_label: Label | None,
    settings: AnnotationSettings,
) -> Annotations | None:
    """Return the annotations, or None if the slide is unknown; refuse what contradicts the slide's label."""
    if annotation_path is None:
        return NOTHING_ANNOTATED if slide_label == "normal" else None
    found = read_annotations(annotation_path, bounds=slide.bounds, **settings.model_dump())
    if found.lesions.is_empty:
        if slide_label == "normal":
            return found
        raise PathgenError(
            annotation_path, "contains no lesion", "Label the slide normal if it has none, else annotate it"
        )
    if slide_label == "normal":
        raise PathgenError(
            annotation_path,
            f"contains lesions, but {slide.path.name} is labelled normal",
            "Correct one of the two",
        )
    area = found.tumor()
    on_slide = shapely.intersection(area, shapely.box(0, 0, *slide.dimensions))
    if on_slide.area < area.area / 2:
        raise PathgenError(
            annotation_path,
            f"most of its lesions lie beyond the edges of {slide.path.name}",
            "Pair the slide with its own annotation, in level-0 pixels",
        )
    return found


def rings(area: MultiPolygon, downsample: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Return the rings of an area, level-0 px, as float64 of shape (k, 2) in px of a thumbnail.

    Args:
        area: Polygons, level-0 px.
        downsample: Level-0 px per pixel of the thumbnail in x and in y.
    """
    found = [ring for polygon in area.geoms for ring in (polygon.exterior, *polygon.interiors)]
    return [np.asarray(ring.coords, np.float64) / np.asarray(downsample) for ring in found]


def _table(
    items: NDArray[np.int64],
    positions: NDArray[np.int64],
    size: int,
    tissue: NDArray[np.float64],
    annotations: Annotations | None,
    cell: int,
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "item": items,
            "x_l0": positions[:, 0],
            "y_l0": positions[:, 1],
            "size_l0": size,
            "tissue_fraction": tissue,
        }
    )
    if annotations is None:
        return table.assign(tumor_fraction=np.nan, exclusion_fraction=np.nan, touches_tumor=None)
    area = annotations.tumor()
    return table.assign(
        tumor_fraction=area_fractions(positions, size, area),
        exclusion_fraction=area_fractions(positions, size, annotations.exclusions),
        touches_tumor=touches_area(positions, size, area, cell),
    )


def index_slide(
    slide_path: Path,
    annotation_path: Path | None,
    slide_label: Label | None,
    settings: IndexSettings,
    mpp_if_missing: float | None = None,
) -> IndexedSlide:
    """Find the candidate patches of a slide.

    Args:
        slide_path: Path of the slide.
        annotation_path: Path of its annotation, or None. Without one, squares of a slide labelled normal
            have no tumour, and those of any other slide are unknown: never silently normal.
        slide_label: Label of the whole slide; None if it is not known.
        settings: Section `index`.
        mpp_if_missing: Resolution of a slide whose file does not contain it, um/px; None refuses the slide.

    Returns:
        Candidates, possibly none, and the data of an overlay.

    Raises:
        PathgenError: A file cannot be used, the annotation contradicts the label or lies beyond the
            slide, the slide is smaller than one patch, or has no tissue.
    """
    with open_slide(slide_path, mpp_if_missing) as slide:
        slide_mpp = _isotropic_mpp(slide)
        size, stride, cell = (
            length_l0(length, settings.mpp, slide_mpp, settings.mpp_tolerance)
            for length in (settings.patch_px, settings.stride_px, _LABEL_CELL_PX)
        )
        annotations = _annotations(slide, annotation_path, slide_label, settings.annotations)
        overview = slide.overview(settings.tissue.thumbnail_mpp / slide_mpp)
        positions = grid_positions(*slide.dimensions, size, stride)
    if len(positions) == 0:
        width, height = slide.dimensions
        raise PathgenError(
            slide_path, f"{width} x {height} px is smaller than one patch of {size} px", "Leave the slide out"
        )
    tissue = find_tissue(overview.image, overview.coverage, overview.downsample, slide_mpp, settings.tissue)
    if not tissue.mask.any():
        raise PathgenError(
            slide_path,
            f"has no tissue: nothing is more saturated than {tissue.threshold:.2f} and wide enough",
            "Inspect the slide; lower index.tissue.min_saturation or opening_um, or leave it out",
        )
    fractions = tissue_fractions(positions, size, tissue.mask, tissue.downsample)
    items = np.flatnonzero(fractions >= settings.min_tissue_fraction).astype(np.int64)
    drawn = annotations if annotations is not None else NOTHING_ANNOTATED
    mm2_per_px = (slide_mpp / 1000) ** 2
    red, green, blue = overview.image[tissue.mask].mean(axis=0, dtype=np.float64).tolist()
    tissue_px = int(np.count_nonzero(tissue.mask))
    return IndexedSlide(
        candidates=_table(items, positions[items], size, fractions[items], annotations, cell),
        thumbnail=overview.image,
        tissue=tissue,
        lesion_outlines=rings(drawn.lesions, tissue.downsample),
        exclusion_outlines=rings(drawn.exclusions, tissue.downsample),
        tissue_fraction=tissue_px / int(np.count_nonzero(overview.coverage)),
        tissue_mm2=tissue_px * tissue.downsample[0] * tissue.downsample[1] * mm2_per_px,
        lesion_mm2=None if annotations is None else float(annotations.tumor().area) * mm2_per_px,
        mean_rgb=(red, green, blue),
        annotations_dropped=drawn.dropped,
    )
