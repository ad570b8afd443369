"""Lesion outlines and exclusions of a slide, from ASAP XML or QuPath GeoJSON."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from pathgen.core.errors import PathgenError
from pathgen.wsi.annotation_files import Outline, parse_asap, parse_geojson

Meaning = Literal["lesion", "exclusion", "ignore"]
UnknownGroup = Literal["refuse"] | Meaning

# Camelyon16's groups: _0 and _1 are two rounds of lesions, _2 and Exclusion are cut-outs from them.
LESION_GROUPS = frozenset({"tumor", "tumour", "_0", "_1"})
EXCLUSION_GROUPS = frozenset({"exclusion", "_2"})


@dataclass(frozen=True)
class Annotations:
    """Annotated areas of a slide, level-0 px.

    Attributes:
        lesions: Union of the lesion outlines, valid; exclusions are NOT subtracted.
        exclusions: Union of the cut-outs, valid.
        groups: Number of annotations by group of the file, including ignored ones, sorted.
        dropped: Number of annotations without area that were left out.
    """

    lesions: MultiPolygon
    exclusions: MultiPolygon
    groups: dict[str, int]
    dropped: int

    def tumor(self) -> MultiPolygon:
        """Return the lesions without the exclusions: the area that counts as tumour."""
        return _polygons(shapely.difference(self.lesions, self.exclusions))


NOTHING_ANNOTATED = Annotations(lesions=MultiPolygon(), exclusions=MultiPolygon(), groups={}, dropped=0)


def _polygons(geometry: BaseGeometry) -> MultiPolygon:
    """Keep the parts of a geometry that have an area."""
    parts = shapely.get_parts(geometry, return_index=False)
    # Collections nest one level deep at most after GEOS' set operations.
    flat = [piece for part in parts for piece in shapely.get_parts(part)]
    return MultiPolygon([piece for piece in flat if isinstance(piece, Polygon)])


def _area(outline: Outline) -> MultiPolygon:
    """Convert an outline to a valid area.

    Hand-drawn outlines cross themselves. GEOS' "structure" repair keeps every place that the line goes
    around; the other repair would make holes where it goes around twice.
    """
    if len(set(outline.shell)) < 3:
        return MultiPolygon()
    holes = [hole for hole in outline.holes if len(set(hole)) >= 3]
    drawn = Polygon(outline.shell, holes)
    if drawn.is_valid:
        return _polygons(drawn)
    return _polygons(shapely.make_valid(drawn, method="structure", keep_collapsed=False))


def _meaning(path: Path, outline: Outline, unknown_group: UnknownGroup) -> Meaning:
    """Return the meaning of an outline: that of its group, else of the nearest known group around it."""
    for group in (outline.group, *outline.within):
        name = group.strip().casefold()
        if name in LESION_GROUPS:
            return "lesion"
        if name in EXCLUSION_GROUPS:
            return "exclusion"
    if unknown_group == "refuse":
        raise PathgenError(
            path,
            f"has annotations of group {outline.group!r}, which is neither a lesion nor an exclusion",
            "Rename the group, or set index.annotations.unknown_group",
        )
    return unknown_group


def _outlines(path: Path) -> list[Outline]:
    if not path.is_file():
        raise PathgenError(path, "no such annotation file", "Correct the path")
    if path.stat().st_size == 0:
        raise PathgenError(path, "is empty (0 bytes)", "Copy it again from its source")
    if path.suffix.lower() in {".geojson", ".json"}:
        return parse_geojson(path)
    if path.suffix.lower() == ".xml":
        return parse_asap(path)
    raise PathgenError(path, "is neither .xml (ASAP) nor .geojson (QuPath)", "Export it as one of the two")


def read_annotations(
    path: Path, *, unknown_group: UnknownGroup = "refuse", without_area: Literal["refuse", "drop"] = "refuse"
) -> Annotations:
    """Read the annotation of one slide.

    Args:
        path: ASAP XML (``.xml``) or QuPath GeoJSON (``.geojson``, ``.json``), in level-0 px.
        unknown_group: Meaning of annotations in other groups than lesions (Tumor, _0, _1), exclusions
            (Exclusion, _2) and their sub-groups, and of annotations without a group.
        without_area: Whether annotations that enclose no area (dots, lines, fewer than three different
            vertices) are dropped or the file is refused.

    Returns:
        The annotations; a file without any gives empty areas. Overlapping outlines are united. An area that
        a self-crossing outline encloses belongs to it. A hole or an exclusion removes everything in it,
        including a lesion drawn there.

    Raises:
        PathgenError: The file is missing, empty, truncated, in another format, or against a policy.
    """
    outlines = _outlines(path)
    areas: dict[Meaning, list[MultiPolygon]] = {"lesion": [], "exclusion": [], "ignore": []}
    dropped = 0
    for outline in outlines:
        area = _area(outline)
        if not area.is_empty:
            areas[_meaning(path, outline, unknown_group)].append(area)
        elif without_area == "drop":
            dropped += 1
        else:
            raise PathgenError(
                path,
                f"annotation {outline.name} encloses no area ({len(outline.shell)} vertices)",
                "Remove it, or set index.annotations.without_area to drop",
            )
    return Annotations(
        lesions=_polygons(shapely.union_all(areas["lesion"])),
        exclusions=_polygons(shapely.union_all(areas["exclusion"])),
        groups=dict(sorted(Counter(outline.group for outline in outlines).items())),
        dropped=dropped,
    )
