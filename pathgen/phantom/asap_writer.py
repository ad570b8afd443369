"""Write lesion outlines as ASAP XML, the format of Camelyon16."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from shapely.geometry import Polygon

from pathgen.core.files import atomic_path


def _annotation(number: int, group: str, polygon: Polygon) -> Iterable[str]:
    yield f'\t\t<Annotation Name="_{number}" Type="Polygon" PartOfGroup="{group}" Color="#F4FA58">'
    yield "\t\t\t<Coordinates>"
    corners = np.asarray(polygon.exterior.coords)[:-1]
    for order, (x, y) in enumerate(corners.tolist()):
        yield f'\t\t\t\t<Coordinate Order="{order}" X="{x:g}" Y="{y:g}" />'
    yield "\t\t\t</Coordinates>"
    yield "\t\t</Annotation>"


def write_annotations(path: Path, lesions: list[Polygon], exclusions: list[Polygon]) -> None:
    """Write outlines as ASAP XML, groups Tumor and Exclusion.

    Args:
        path: Path of the file.
        lesions: Tumour, level-0 px.
        exclusions: Normal tissue inside the tumour, level-0 px.
    """
    lines = ['<?xml version="1.0"?>', "<ASAP_Annotations>", "\t<Annotations>"]
    outlines = [("Tumor", lesion) for lesion in lesions] + [("Exclusion", hole) for hole in exclusions]
    for number, (group, polygon) in enumerate(outlines):
        lines.extend(_annotation(number, group, polygon))
    lines += ["\t</Annotations>", "\t<AnnotationGroups>"]
    for group, colour in (("Tumor", "#00ff00"), ("Exclusion", "#0000ff")):
        lines.append(f'\t\t<Group Name="{group}" PartOfGroup="None" Color="{colour}"><Attributes /></Group>')
    lines += ["\t</AnnotationGroups>", "</ASAP_Annotations>"]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
