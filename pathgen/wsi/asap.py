"""Parse the annotation files of ASAP, the viewer in which Camelyon16 was annotated (XML)."""

import math
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml
import defusedxml.ElementTree

from pathgen.core.errors import PathgenError
from pathgen.wsi.outline import NO_GROUP, Outline, Point

_HINT = "Copy the annotation again from its source, or export it again"
_WITHOUT_AREA = frozenset({"dot", "pointset", "measurement"})


def _point(path: Path, name: str, coordinate: Element) -> tuple[float, Point]:
    """Return a vertex with its order number."""
    texts = [coordinate.get(key, "") for key in ("Order", "X", "Y")]
    try:
        order, x, y = (float(text) for text in texts)
    except ValueError:
        raise PathgenError(
            path, f"annotation {name} has a vertex {texts} that is not a number", _HINT
        ) from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise PathgenError(path, f"annotation {name} has an infinite vertex", _HINT)
    return order, (x, y)


def _above(group: str, parents: Mapping[str, str]) -> list[str]:
    """Return the groups that a group is part of, nearest first; a cycle is followed once."""
    chain: list[str] = []
    parent = parents.get(group, NO_GROUP)
    while parent != NO_GROUP and parent not in chain:
        chain.append(parent)
        parent = parents.get(parent, NO_GROUP)
    return chain


def _outline(path: Path, annotation: Element, parents: Mapping[str, str]) -> Outline:
    name = annotation.get("Name", "without a name")
    vertices = [_point(path, name, vertex) for vertex in annotation.iterfind("Coordinates/Coordinate")]
    vertices.sort(key=lambda vertex: vertex[0])
    has_area = annotation.get("Type", "Polygon").casefold() not in _WITHOUT_AREA
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
    except ParseError as problem:
        raise PathgenError(path, f"truncated or not XML: {problem}", _HINT) from None
    except (defusedxml.DefusedXmlException, LookupError, ValueError) as problem:
        raise PathgenError(path, f"not readable as plain XML: {problem}", _HINT) from None
    if root is None or root.tag != "ASAP_Annotations":
        tag = "nothing" if root is None else root.tag
        raise PathgenError(
            path, f"its root is {tag}, not ASAP_Annotations", "Export it as ASAP XML or GeoJSON"
        )
    parents = {
        group.get("Name", NO_GROUP): group.get("PartOfGroup", NO_GROUP)
        for group in root.iterfind("AnnotationGroups/Group")
    }
    return [_outline(path, annotation, parents) for annotation in root.iterfind("Annotations/Annotation")]
