"""Parse annotation files: XML of ASAP, the viewer of Camelyon16, and GeoJSON of QuPath."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element  # the type alone: defusedxml parses

import defusedxml
import defusedxml.ElementTree

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed

Point = tuple[float, float]
# The largest slides have some 10**6 px; areas of much larger numbers overflow.
_BEYOND_PX = 1e9
NO_GROUP = "None"  # as ASAP writes it
_ASAP_HINT = "Copy the annotation again from its source, or export it again"
_ASAP_WITHOUT_AREA = frozenset({"dot", "pointset", "measurement"})
_GEOJSON_HINT = "Export the annotation again as GeoJSON, coordinates in pixels"
_GEOJSON_WITH_AREA = ("Polygon", "MultiPolygon")
_COLLECTION = "GeometryCollection"
_GEOJSON_WITHOUT_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")


@dataclass(frozen=True)
class Outline:
    """An annotation as drawn.

    Attributes:
        name: Name in the file, for messages.
        group: Group or class in the file, ``"None"`` if there is none.
        shell: Vertices (x, y) of the outer ring, level-0 px; the last need not repeat the first. Empty
            when the annotation has no area by its kind (a dot, a line).
        holes: Vertices of the holes.
        within: Groups that the group is part of, nearest first.
    """

    name: str
    group: str
    shell: list[Point]
    holes: list[list[Point]]
    within: list[str] = field(default_factory=list)


def _on_a_slide(x: float, y: float) -> bool:
    """Return whether a vertex, level-0 px, can lie on or next to a slide; one that is not finite cannot."""
    return abs(x) < _BEYOND_PX and abs(y) < _BEYOND_PX


def _point(path: Path, name: str, coordinate: Element) -> tuple[float, Point]:
    """Return a vertex with its order number."""
    texts = [coordinate.get(key, "") for key in ("Order", "X", "Y")]
    try:
        order, x, y = (float(text) for text in texts)
    except ValueError:
        raise PathgenError(
            path, f"annotation {name} has a vertex {texts} that is not a number", _ASAP_HINT
        ) from None
    if not math.isfinite(order) or not _on_a_slide(x, y):
        raise PathgenError(path, f"annotation {name} has a vertex {texts} that is on no slide", _ASAP_HINT)
    return order, (x, y)


def _above(group: str, parents: Mapping[str, str]) -> list[str]:
    """Return the groups that a group is part of, nearest first; a cycle is followed once."""
    chain: list[str] = []
    parent = parents.get(group, NO_GROUP)
    while parent != NO_GROUP and parent not in chain:
        chain.append(parent)
        parent = parents.get(parent, NO_GROUP)
    return chain


def _asap_outline(path: Path, annotation: Element, parents: Mapping[str, str]) -> Outline:
    name = annotation.get("Name", "without a name")
    vertices = [_point(path, name, vertex) for vertex in annotation.iterfind("Coordinates/Coordinate")]
    vertices.sort(key=lambda vertex: vertex[0])
    has_area = annotation.get("Type", "Polygon").casefold() not in _ASAP_WITHOUT_AREA
    ring = [point for _, point in vertices] if has_area else []
    group = annotation.get("PartOfGroup", NO_GROUP)
    return Outline(name=name, group=group, shell=ring, holes=[], within=_above(group, parents))


def parse_asap(path: Path) -> list[Outline]:
    """Parse an ASAP file.

    Args:
        path: The XML file; coordinates are level-0 px.

    Returns:
        Its annotations in the file's order. Splines count as polygons through their points; dots,
        point sets and measurements have no vertices. Groups may be part of other groups.

    Raises:
        PathgenError: The file is truncated, not XML, uses entities, or is not an ASAP file.
    """
    try:
        root = defusedxml.ElementTree.parse(path).getroot()
    except defusedxml.ElementTree.ParseError as problem:
        damaged = PathgenError(path, f"truncated or not XML: {problem}", _ASAP_HINT)
        raise misnamed(path, "XML") or damaged from None
    except (defusedxml.DefusedXmlException, LookupError, ValueError) as problem:
        raise PathgenError(path, f"not readable as plain XML: {problem}", _ASAP_HINT) from None
    if root is None or root.tag != "ASAP_Annotations":
        tag = "nothing" if root is None else root.tag
        other = PathgenError(
            path, f"its root is {tag}, not ASAP_Annotations", "Export it as ASAP XML or GeoJSON"
        )
        raise misnamed(path, "XML") or other
    if others := [child.tag for child in root if child.tag not in ("Annotations", "AnnotationGroups")]:
        reason = f"has an element {others[0]!r}, where ASAP has Annotations and AnnotationGroups only"
        raise PathgenError(path, reason, _ASAP_HINT)
    for place, name in (("Annotations", "Annotation"), ("Annotations/Annotation/Coordinates", "Coordinate")):
        if others := [child.tag for child in root.iterfind(f"{place}/*") if child.tag != name]:
            reason = f"has an element {others[0]!r} in {place.split('/')[-1]}, where ASAP has {name} only"
            raise PathgenError(path, reason, _ASAP_HINT)
    parents = {
        group.get("Name", NO_GROUP): group.get("PartOfGroup", NO_GROUP)
        for group in root.iterfind("AnnotationGroups/Group")
    }
    return [
        _asap_outline(path, annotation, parents) for annotation in root.iterfind("Annotations/Annotation")
    ]


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; of a repeated name, Python would keep the last value in silence."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has the name {next(n for n in names if names.count(n) > 1)!r} twice")
    return found


def _classes(properties: Any) -> list[str]:
    """Return the class of a feature and the classes that it is derived from, nearest first.

    QuPath writes a derived class as ``"Tumor: Positive"``, or as the list of its names.
    """
    found = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(found, dict):
        found = found.get("names") or found.get("name")
    names = [str(name) for name in found] if isinstance(found, list) else str(found or NO_GROUP).split(":")
    names = [name.strip() for name in names]
    return [": ".join(names[:count]) for count in range(len(names), 0, -1)]


def _ring(ring: Any) -> list[Point]:
    if not isinstance(ring, list):
        raise ValueError("its coordinates are not a list of rings")
    points = []
    for vertex in ring:
        numbers = vertex[:2] if isinstance(vertex, list) else []
        if len(numbers) < 2 or not all(type(number) in (int, float) for number in numbers):
            raise ValueError(f"the vertex {vertex!r:.60} is not a pair of numbers")
        x, y = map(float, numbers)
        if not _on_a_slide(x, y):
            raise ValueError(f"the vertex {vertex!r:.60} is on no slide")
        points.append((x, y))
    return points


def _polygons(geometry: Any) -> list[list[list[Point]]]:
    """Return the polygons of a geometry as lists of rings; a point, a line or null is one without rings."""
    if geometry is None:
        return [[]]
    if not isinstance(geometry, dict):
        raise ValueError("its geometry is not an object")
    kind = geometry.get("type")
    if kind in _GEOJSON_WITHOUT_AREA:
        return [[]]
    if kind not in (*_GEOJSON_WITH_AREA, _COLLECTION):
        raise ValueError(f"the type {kind!r} is not a geometry")
    name = "geometries" if kind == _COLLECTION else "coordinates"
    parts = geometry.get(name)
    if not isinstance(parts, list):
        raise ValueError(f"its {kind} has no list of {name}")
    if kind == _COLLECTION:
        return [polygon for part in parts for polygon in _polygons(part)]
    polygons = [parts] if kind == "Polygon" else parts
    if not all(isinstance(polygon, list) for polygon in polygons):
        raise ValueError("its coordinates are not lists of polygons")
    return [[_ring(ring) for ring in polygon] for polygon in polygons]


def _features(content: Any) -> Iterator[dict[str, Any]]:
    """Yield the features of lists and collections, which may be nested; a bare geometry has no class."""
    if isinstance(content, list):
        for part in content:
            yield from _features(part)
        return
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "FeatureCollection":
        if not isinstance(content.get("features"), list):
            raise ValueError("a FeatureCollection has no list of features")
        yield from _features(content["features"])
    elif kind == "Feature":
        yield content
    elif kind in (*_GEOJSON_WITH_AREA, *_GEOJSON_WITHOUT_AREA, _COLLECTION):
        yield {"geometry": content}
    else:
        what = f"type {kind!r}" if isinstance(content, dict) else f"{content!r:.60}"
        raise ValueError(f"{what} is neither a feature nor a collection of features")


def _feature_outlines(path: Path, feature: dict[str, Any], number: int) -> list[Outline]:
    properties = feature.get("properties")
    named = properties.get("name") if isinstance(properties, dict) else None
    name = str(named or f"number {number}")
    group, *within = _classes(properties)
    try:
        if "geometry" not in feature:
            raise ValueError("it has no geometry")
        polygons = _polygons(feature["geometry"])
    except (ValueError, OverflowError) as problem:
        raise PathgenError(path, f"annotation {name}: {problem}", _GEOJSON_HINT) from None
    return [
        Outline(name, group, shell=polygon[0] if polygon else [], holes=polygon[1:], within=within)
        for polygon in polygons
    ]


def parse_geojson(path: Path) -> list[Outline]:
    """Parse a GeoJSON file.

    Args:
        path: A feature collection, a feature, a geometry, or a list of these, in UTF-8, 16 or 32 with or
            without a byte-order mark; coordinates are level-0 px.

    Returns:
        One outline per polygon, in the file's order, those of collections one by one; points, lines and
        features without a geometry have no vertices.

    Raises:
        PathgenError: The file is truncated, or is not JSON or GeoJSON.
    """
    try:
        try:
            content = json.loads(path.read_bytes(), object_pairs_hook=_without_repetition)
        except ValueError as problem:  # JSONDecodeError or UnicodeDecodeError
            damaged = PathgenError(path, f"truncated or not JSON: {problem}", _GEOJSON_HINT)
            raise misnamed(path, "JSON") or damaged from None
        numbered = list(enumerate(_features(content), start=1))
        return [outline for number, found in numbered for outline in _feature_outlines(path, found, number)]
    except ValueError as problem:
        raise PathgenError(path, f"not GeoJSON: {problem}", _GEOJSON_HINT) from None
    except RecursionError:
        raise PathgenError(path, "is nested too deeply", _GEOJSON_HINT) from None
