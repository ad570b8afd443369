"""Lesion outlines and exclusions of a slide, from ASAP XML or QuPath GeoJSON, in the slide's frame."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from pathgen.core.errors import PathgenError
from pathgen.wsi.annotation_files import Outline, parse_asap, parse_geojson
from pathgen.wsi.settings import Meaning, Origin

# Camelyon16's groups: _0 and _1 are two rounds of lesions, _2 and Exclusion are cut-outs from them. Those of
# Camelyon17: metastases, and normal for cut-outs. Of QuPath's classes only Tumor and Metastasis: whether
# stroma or necrosis is tumour, and whether Ignore* means the tissue or the outline, differs between studies.
_KNOWN: dict[str, Meaning] = {
    **dict.fromkeys(("tumor", "tumour", "_0", "_1", "metastases", "metastasis"), "lesion"),
    **dict.fromkeys(("exclusion", "_2", "normal"), "exclusion"),
}
_ADD = (
    "as lesion, exclusion (neither tumour nor normal) or ignore (as if not drawn); "
    "None stands for outlines without a group"
)


class UnknownGroups(PathgenError):
    """Groups of one file of which neither the suite nor the settings know the meaning.

    Args:
        path: The annotation file.
        groups: The groups.
    """

    def __init__(self, path: Path, groups: Sequence[str]) -> None:
        self.path, self.groups = path, groups
        named = ", ".join(map(repr, groups))
        hint = f"Add each to index.annotations.groups {_ADD}"
        super().__init__(path, f"has groups of unknown meaning: {named}", hint)

    def __reduce__(self) -> "tuple[type[UnknownGroups], tuple[object, ...]]":
        return type(self), (self.path, self.groups)


def unknown_in_all(found: Sequence[UnknownGroups]) -> PathgenError:
    """Return one error that lists the unknown groups of all files, each with the number of its files.

    Args:
        found: The errors of the single files, at least one.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for error in found:
        for group in error.groups:
            files[group].append(error.path.name)
    listed = [
        f"{group!r} (in {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''})"
        for group, names in sorted(files.items())
    ]
    subject, reason = "params.yaml: index.annotations.groups", f"lacks the groups {', '.join(listed)}"
    return PathgenError(subject, reason, f"Add each {_ADD}")


@dataclass(frozen=True)
class Annotations:
    """Annotated areas of a slide, level-0 px.

    Attributes:
        lesions: Union of the lesion outlines, valid; exclusions are NOT subtracted.
        exclusions: Union of the cut-outs, valid.
        groups: Number of annotations by group of the file, including ignored ones, sorted.
        dropped: Number of annotations without area that were left out.
        digest: Digest of the lesions, else of the exclusions, as the file has them; None if nothing is
            outlined. It is that of the areas: not of the file's format, names, colours or order, nor of the
            frame.
    """

    lesions: MultiPolygon
    exclusions: MultiPolygon
    groups: dict[str, int]
    dropped: int
    digest: str | None = None

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


def _digest(areas: MultiPolygon) -> str | None:
    return None if areas.is_empty else hashlib.sha256(shapely.normalize(areas).wkb).hexdigest()


def _shift(path: Path, bounds: tuple[int, int], origin: Origin | None) -> tuple[int, int]:
    """Return what is added to the coordinates of a file to get level-0 px of the slide.

    ASAP counts from the corner of the slide that OpenSlide reads, QuPath by default from its bounds.
    """
    if bounds == (0, 0) or path.suffix.lower() == ".xml" or origin == "slide":
        return 0, 0
    if origin is None:
        x, y = bounds
        reason = (
            f"is GeoJSON of a slide with a scanned area that begins at ({x}, {y}) px "
            "(openslide.bounds-x and -y): "
            "whether its coordinates count from there or from the corner of the slide is unknown"
        )
        hint = "Set index.annotations.origin to bounds (QuPath's default) or slide, and see the cohort page"
        raise PathgenError(path, reason, hint)
    return bounds


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


def _meaning(outline: Outline, known: Mapping[str, Meaning]) -> Meaning | None:
    """Return the meaning of an outline: that of its group, else of the nearest known group around it."""
    names = (group.strip().casefold() for group in (outline.group, *outline.within))
    return next((known[name] for name in names if name in known), None)


def _outlines(path: Path) -> list[Outline]:
    if not path.is_file():
        raise PathgenError(path, "no such annotation file", "Correct the path")
    if path.suffix.lower() in {".geojson", ".json"}:
        return parse_geojson(path)
    if path.suffix.lower() == ".xml":
        return parse_asap(path)
    raise PathgenError(path, "is neither .xml (ASAP) nor .geojson (QuPath)", "Export it as one of the two")


def read_annotations(
    path: Path,
    *,
    groups: Mapping[str, Meaning] = MappingProxyType({}),
    without_area: Literal["refuse", "drop"] = "refuse",
    origin: Origin | None = None,
    bounds: tuple[int, int] = (0, 0),
) -> Annotations:
    """Read the annotation of one slide.

    Args:
        path: ASAP XML (``.xml``) or QuPath GeoJSON (``.geojson``, ``.json``), in level-0 px.
        groups: Meaning of groups, in any case, before that of the known ones; ``None`` stands for annotations
            without a group. A group without a meaning has that of the nearest group that it is part of.
        without_area: Whether annotations that enclose no area (dots, lines, fewer than three different
            vertices) are dropped or the file is refused.
        origin: Origin of the coordinates of GeoJSON on a slide with bounds: ``bounds`` or ``slide``, its
            corner; None refuses such a file if it has outlines. XML counts from the corner.
        bounds: Corner (x, y) of the slide's bounds, level-0 px, see `pathgen.wsi.reader.Slide`.

    Returns:
        The annotations in level-0 px of the slide; a file without any gives empty areas. Overlapping outlines
        are united. An area that a self-crossing outline encloses belongs to it. A hole or an exclusion
        removes everything in it, including a lesion drawn there; of the lesions something is left.

    Raises:
        UnknownGroups: Areas are in groups without a meaning; the error names all of them.
        PathgenError: The file is missing, empty, truncated, in another format, or against a policy, its
            origin is unknown, or its exclusions cover all of its lesions.
    """
    outlines = _outlines(path)
    known = _KNOWN | {name.strip().casefold(): meaning for name, meaning in groups.items()}
    areas: dict[Meaning, list[MultiPolygon]] = defaultdict(list)
    flat, unknown = [], set()
    for outline in outlines:
        area, meaning = _area(outline), _meaning(outline, known)
        if area.is_empty:
            flat.append(outline)
        elif meaning is None:
            unknown.add(outline.group)
        else:
            areas[meaning].append(area)
    if unknown:
        raise UnknownGroups(path, sorted(unknown))
    if flat and without_area == "refuse":
        raise PathgenError(
            path,
            f"annotation {flat[0].name} encloses no area ({len(flat[0].shell)} vertices)",
            "Remove it, or set index.annotations.without_area to drop",
        )
    lesions, exclusions = (_polygons(shapely.union_all(areas[kind])) for kind in ("lesion", "exclusion"))
    digest = _digest(lesions) or _digest(exclusions)
    if digest is not None and (shift := _shift(path, bounds, origin)) != (0, 0):
        lesions, exclusions = (
            shapely.transform(area, lambda points: points + shift) for area in (lesions, exclusions)
        )
    found = Annotations(
        lesions=lesions,
        exclusions=exclusions,
        groups=dict(sorted(Counter(outline.group for outline in outlines).items())),
        dropped=len(flat),
        digest=digest,
    )
    if not lesions.is_empty and found.tumor().is_empty:
        hint = (
            "Correct the outlines, or give the exclusions' group another meaning in index.annotations.groups"
        )
        raise PathgenError(path, "its exclusions cover all lesions", hint)
    return found
