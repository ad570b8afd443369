"""Parse annotation files: XML of ASAP, the viewer of Camelyon16, and GeoJSON of QuPath."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element  # the type alone: defusedxml parses

import defusedxml
import defusedxml.ElementTree

from pathgen.core.errors import PathgenError

Point = tuple[float, float]
NO_GROUP = "None"  # as ASAP writes it
_ASAP_HINT = "Copy the annotation again from its source, or export it again"
_ASAP_WITHOUT_AREA = frozenset({"dot", "pointset", "measurement"})
_GEOJSON_HINT = "Export the annotation again as GeoJSON, coordinates in pixels"
_GEOJSON_WITHOUT_AREA = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString"})


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


def _point(path: Path, name: str, coordinate: Element) -> tuple[float, Point]:
    """Return a vertex with its order number."""
    texts = [coordinate.get(key, "") for key in ("Order", "X", "Y")]
    try:
        order, x, y = (float(text) for text in texts)
    except ValueError:
        raise PathgenError(
            path, f"annotation {name} has a vertex {texts} that is not a number", _ASAP_HINT
        ) from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise PathgenError(path, f"annotation {name} has an infinite vertex", _ASAP_HINT)
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
        raise PathgenError(path, f"truncated or not XML: {problem}", _ASAP_HINT) from None
    except (defusedxml.DefusedXmlException, LookupError, ValueError) as problem:
        raise PathgenError(path, f"not readable as plain XML: {problem}", _ASAP_HINT) from None
    if root is None or root.tag != "ASAP_Annotations":
        tag = "nothing" if root is None else root.tag
        raise PathgenError(
            path, f"its root is {tag}, not ASAP_Annotations", "Export it as ASAP XML or GeoJSON"
        )
    parents = {
        group.get("Name", NO_GROUP): group.get("PartOfGroup", NO_GROUP)
        for group in root.iterfind("AnnotationGroups/Group")
    }
    return [
        _asap_outline(path, annotation, parents) for annotation in root.iterfind("Annotations/Annotation")
    ]


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
    points = [(float(x), float(y)) for x, y, *_ in ring]
    if not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("a vertex is infinite")
    return points


def _polygons(geometry: Any) -> list[list[list[Point]]]:
    """Return the polygons of a geometry as lists of rings; a point or a line is one without rings."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return [polygon for part in geometry["geometries"] for polygon in _polygons(part)]
    coordinates = geometry["coordinates"]
    if kind == "Polygon":
        return [[_ring(ring) for ring in coordinates]]
    if kind == "MultiPolygon":
        return [[_ring(ring) for ring in polygon] for polygon in coordinates]
    if kind in _GEOJSON_WITHOUT_AREA:
        return [[]]
    raise ValueError(f"type {kind!r} is not a geometry")


def _feature_outlines(feature: Any, number: int) -> list[Outline]:
    properties = feature.get("properties")
    named = properties.get("name") if isinstance(properties, dict) else None
    name = str(named or f"number {number}")
    group, *within = _classes(properties)
    return [
        Outline(name, group, shell=polygon[0] if polygon else [], holes=polygon[1:], within=within)
        for polygon in _polygons(feature["geometry"])
    ]


def _features(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    if content["type"] == "FeatureCollection":
        return list(content["features"])
    if content["type"] == "Feature":
        return [content]
    raise ValueError(f"type {content['type']!r} is not a feature")


def parse_geojson(path: Path) -> list[Outline]:
    """Parse a GeoJSON file.

    Args:
        path: A feature collection, a feature, or a list of features; coordinates are level-0 px.

    Returns:
        One outline per polygon, in the file's order, those of collections one by one; points and lines
        have no vertices.

    Raises:
        PathgenError: The file is truncated, or is not JSON or GeoJSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:  # JSONDecodeError and UnicodeDecodeError
        raise PathgenError(path, f"truncated or not JSON: {problem}", _GEOJSON_HINT) from None
    try:
        numbered = enumerate(_features(content), start=1)
        return [outline for number, feature in numbered for outline in _feature_outlines(feature, number)]
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise PathgenError(path, f"not GeoJSON as QuPath writes it: {problem!r}", _GEOJSON_HINT) from None
