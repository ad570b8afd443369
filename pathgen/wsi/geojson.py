"""Parse annotations in GeoJSON, as QuPath exports them."""

import json
import math
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.wsi.outline import NO_GROUP, Outline, Point

_HINT = "Export the annotation again as GeoJSON, coordinates in pixels"
_WITHOUT_AREA = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString"})


def _group(properties: Any) -> str:
    """Return the class of a feature: QuPath before 0.5 wrote one name, later versions may write several."""
    classification = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(classification, str):
        return classification
    if not isinstance(classification, dict):
        return NO_GROUP
    names = classification.get("names")
    if isinstance(names, list) and names:
        return str(names[0])
    # A derived class such as "Tumor: Positive" belongs to its base class.
    return str(classification.get("name", NO_GROUP)).split(":")[0].strip()


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
    if kind in _WITHOUT_AREA:
        return [[]]
    raise ValueError(f"type {kind!r} is not a geometry")


def _outlines(feature: Any, number: int) -> list[Outline]:
    properties = feature.get("properties")
    named = properties.get("name") if isinstance(properties, dict) else None
    name, group = str(named or f"number {number}"), _group(properties)
    return [
        Outline(name=name, group=group, shell=polygon[0] if polygon else [], holes=polygon[1:])
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
        raise PathgenError(path, f"truncated or not JSON: {problem}", _HINT) from None
    try:
        numbered = enumerate(_features(content), start=1)
        return [outline for number, feature in numbered for outline in _outlines(feature, number)]
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise PathgenError(path, f"not GeoJSON as QuPath writes it: {problem!r}", _HINT) from None
