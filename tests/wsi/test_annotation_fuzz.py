"""Mutated annotations are read or refused in one line: no other exception, no warning."""

import json
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.slide_files import write_asap

from pathgen.core.errors import PathgenError
from pathgen.wsi.annotations import read_annotations

SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
MUTATIONS = 250
_VALUES = [None, True, -1, 1e308, 10**400, float("nan"), "12", [], {}, [1], [[1, 2]], {"type": "Feature"}]
_BYTES = [b"\xff", b"\0", b"<", b"nan", b"1e999", b"-", b'"', b"<!--", b"{", b"[", b"&amp;"]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _other_value(content: bytes, rng: random.Random) -> bytes:
    """Replace or remove one value of a JSON file."""
    whole = json.loads(content)
    parent, key = rng.choice(list(_places(whole)))
    if rng.random() < 0.3:
        del parent[key]
    else:
        parent[key] = rng.choice(_VALUES)
    return json.dumps(whole).encode()


def _other_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut the file, or remove, insert or double some bytes."""
    at = rng.randrange(len(content))
    length = rng.randrange(40)
    new = rng.choice([b"", rng.choice(_BYTES), content[at : at + length] * 2])
    return content[:at] + (b"" if rng.random() < 0.2 else new + content[at + length :])


@pytest.mark.parametrize("name", ["a.xml", "a.geojson"])
def test_mutated_annotations_are_read_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    path = write_asap(tmp_path / name, ("Tumor", SQUARE), ("Exclusion", SQUARE[:3]))
    if name == "a.geojson":
        ring = [list(point) for point in [*SQUARE, SQUARE[0]]]
        geometry = {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [ring]}]}
        feature = {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"classification": {"names": ["Tumor"]}},
        }
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature, feature]}))
    content, refused = path.read_bytes(), 0
    for seed in range(MUTATIONS):
        rng = random.Random(seed)
        of_json = name == "a.geojson" and rng.random() < 0.6
        path.write_bytes((_other_value if of_json else _other_bytes)(content, rng))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read_annotations(path, without_area="drop")
        except PathgenError as problem:
            refused += 1
            assert str(problem).startswith(f"{path}: ") and len(str(problem).splitlines()) == 1
    assert MUTATIONS // 2 < refused < MUTATIONS
