import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.scanline import areas, read_rings
from factories.slide_files import write_asap

from pathgen.core.errors import PathgenError
from pathgen.wsi.annotations import NOTHING_ANNOTATED, read_annotations

SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
INNER = [(20, 20), (60, 20), (60, 60), (20, 60)]
AWAY = [(200, 200), (230, 200), (230, 230), (200, 230)]


def refusal(path: Path, **options: Any) -> PathgenError:
    with pytest.raises(PathgenError) as caught:
        read_annotations(path, **options)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return caught.value


def test_asap_groups_of_camelyon16_are_read(tmp_path: Path) -> None:
    path = write_asap(
        tmp_path / "a.xml", ("Tumor", SQUARE), ("_0", AWAY), ("_1", AWAY), ("_2", INNER), ("Exclusion", INNER)
    )
    found = read_annotations(path)
    assert found.lesions.area == 10_900  # AWAY, drawn twice, counts once
    assert found.exclusions.area == 1_600
    assert found.tumor().area == 9_300
    assert found.groups == {"Exclusion": 1, "Tumor": 1, "_0": 1, "_1": 1, "_2": 1}
    assert (len(found.lesions.geoms), len(found.exclusions.geoms)) == (2, 1)


def test_groups_of_camelyon17_and_qupath_are_known_in_any_case(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("metastases", SQUARE), ("normal", INNER), ("Metastasis ", AWAY))
    found = read_annotations(path)
    assert (found.lesions.area, found.exclusions.area, found.tumor().area) == (10_900, 1_600, 9_300)


def test_each_group_has_its_own_meaning(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE), ("None", AWAY), ("Necrosis", INNER))
    assert refusal(path).reason == "has groups of unknown meaning: 'Necrosis', 'None'"
    assert "index.annotations.groups" in refusal(path).hint
    assert refusal(path, groups={"necrosis": "ignore"}).reason.endswith("meaning: 'None'")
    found = read_annotations(path, groups={"NECROSIS": "exclusion", "None": "lesion"})
    assert (found.lesions.area, found.exclusions.area) == (10_900, 1_600)
    found = read_annotations(path, groups={"Necrosis": "ignore", "None": "exclusion", "Tumor": "ignore"})
    assert (found.lesions.area, found.exclusions.area) == (0, 900)  # a setting overrules the known meaning
    assert found.groups == {"Necrosis": 1, "None": 1, "Tumor": 1}


@pytest.mark.parametrize(
    "group",
    [
        "Stroma",
        "Necrosis",
        "Immune cells",
        "Other",
        "Positive",
        "Negative",
        "Ignore*",
        "Region*",
        "Tumor*",
        "_3",
    ],
)
def test_groups_that_leave_a_doubt_are_refused(tmp_path: Path, group: str) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE), (group, INNER))
    assert repr(group) in refusal(path).reason


def test_derived_class_of_qupath_has_its_own_meaning_or_that_of_its_base(tmp_path: Path) -> None:
    classes = [{"name": "Tumor: Necrosis"}, {"names": ["Tumor", "Positive"]}, {"name": "Stroma: Tumor"}]
    rings = (_closed(INNER), _closed(SQUARE), _closed(AWAY))
    features = [_feature("Polygon", [ring], group) for ring, group in zip(rings, classes, strict=True)]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(features))
    assert refusal(path).reason.endswith("meaning: 'Stroma: Tumor'")
    found = read_annotations(path, groups={"stroma": "exclusion", "Tumor: necrosis": "exclusion"})
    assert (found.tumor().area, found.exclusions.area) == (8_400, 2_500)
    assert found.groups == {"Stroma: Tumor": 1, "Tumor: Necrosis": 1, "Tumor: Positive": 1}


def test_unknown_groups_are_named_before_flat_annotations(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", []), ("Fold", INNER))
    assert "'Fold'" in refusal(path).reason and "'Fold'" in refusal(path, without_area="drop").reason


def _groups(**parent_of: str) -> str:
    return "".join(f'<Group Name="{name}" PartOfGroup="{parent}"/>' for name, parent in parent_of.items())


def test_asap_nested_groups_inherit_their_meaning(tmp_path: Path) -> None:
    drawn = ("ITC", SQUARE), ("small", AWAY), ("Necrosis", INNER)
    groups = _groups(Tumor="None", Exclusion="Tumor", micro="Tumor", small="micro", ITC="Tumor")
    assert "'Necrosis'" in refusal(write_asap(tmp_path / "a.xml", *drawn, groups=groups)).reason
    groups = _groups(Tumor="None", Exclusion="Tumor", Necrosis="Exclusion", micro="Tumor", small="micro")
    path = write_asap(tmp_path / "b.xml", *drawn, groups=groups)
    assert "'ITC'" in refusal(path).reason
    found = read_annotations(path, groups={"ITC": "ignore"})
    # The nearest known group decides: an exclusion that is part of Tumor is an exclusion.
    assert (found.lesions.area, found.exclusions.area) == (900, 1_600)
    assert found.groups == {"ITC": 1, "Necrosis": 1, "small": 1}


def test_asap_cyclic_groups_are_unknown(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("a", SQUARE), groups=_groups(a="b", b="a"))
    assert "'a'" in refusal(path).reason


@pytest.mark.parametrize(
    "ring", [[], [(0, 0)], [(0, 0), (9, 9)], [(0, 0), (9, 9), (0, 0), (9, 9)], [(0, 0), (5, 5), (9, 9)]]
)
def test_annotation_without_area_follows_the_policy(tmp_path: Path, ring: list[tuple[float, float]]) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE), ("Tumor", ring))
    assert "encloses no area" in refusal(path).reason
    found = read_annotations(path, without_area="drop")
    assert (found.lesions.area, found.dropped) == (10_000, 1)
    points = write_asap(tmp_path / "b.xml", ("Tumor", SQUARE), kind="PointSet")
    assert read_annotations(points, without_area="drop").lesions.is_empty
    assert "encloses no area" in refusal(points).reason


def test_asap_vertices_follow_their_order(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE))
    text = path.read_text()
    coordinates = re.findall("<Coordinate .*?/>", text)
    shuffled = [coordinates[i] for i in (0, 2, 1, 3)]
    path.write_text(text.replace("".join(coordinates), "".join(shuffled)))
    assert read_annotations(path).lesions.area == 10_000


def test_outline_that_crosses_itself_keeps_its_area(tmp_path: Path) -> None:
    eight = [(0, 0), (10, 10), (10, 0), (0, 10)]
    assert read_annotations(write_asap(tmp_path / "8.xml", ("Tumor", eight))).lesions.area == 50
    # The loop's end overlaps its beginning: an even-odd rule would leave a hole there.
    loop = [(0, 0), (10, 0), (10, 4), (4, 4), (4, -3), (6, -3), (6, 6), (0, 6)]
    assert read_annotations(write_asap(tmp_path / "o.xml", ("Tumor", loop))).lesions.area == 58


def _feature(kind: str, coordinates: object, group: object) -> dict[str, object]:
    properties = {"objectType": "annotation", "classification": group}
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _closed(ring: list[tuple[int, int]]) -> list[list[int]]:
    return [list(point) for point in [*ring, ring[0]]]


def test_geojson_of_qupath_is_read(tmp_path: Path) -> None:
    features = [
        _feature("Polygon", [_closed(SQUARE), _closed(INNER)], {"name": "Tumor", "color": [200, 0, 0]}),
        _feature("MultiPolygon", [[_closed(AWAY)]], {"names": ["Tumor", "Positive"]}),
        _feature("Polygon", [_closed([(x + 300, y) for x, y in AWAY])], {"name": "Tumor: Negative"}),
        _feature("Polygon", [_closed([(2, 2), (4, 2), (4, 4), (2, 4)])], "Exclusion"),
    ]
    shapes = {
        "collection.geojson": {"type": "FeatureCollection", "features": features},
        "list.json": features,
    }
    for name, content in shapes.items():
        (tmp_path / name).write_text(json.dumps(content))
        found = read_annotations(tmp_path / name)
        assert found.lesions.area == 8_400 + 900 + 900
        assert found.exclusions.area == 4
        assert found.groups == {"Exclusion": 1, "Tumor": 1, "Tumor: Negative": 1, "Tumor: Positive": 1}
    (tmp_path / "one.geojson").write_text(json.dumps(features[0]))
    assert read_annotations(tmp_path / "one.geojson").lesions.area == 8_400


def test_geojson_collections_and_holes_are_read(tmp_path: Path) -> None:
    overlapping = _closed([(x + 20, y) for x, y in INNER])  # 40 to 80
    beyond = _closed([(x + 80, y) for x, y in INNER])  # 100 to 140: outside the square
    nested = _closed([(30, 30), (40, 30), (40, 40), (30, 40)])  # within INNER
    rings = [_closed(SQUARE), _closed(INNER), overlapping, beyond, nested]
    collection = {
        "type": "GeometryCollection",
        "geometries": [
            {"type": "Polygon", "coordinates": rings},
            {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [5, 5]}]},
            {"type": "MultiPolygon", "coordinates": [[_closed(AWAY)], [nested]]},
        ],
    }
    feature = {"type": "Feature", "geometry": collection, "properties": {"classification": "Tumor"}}
    (tmp_path / "a.geojson").write_text(json.dumps(feature))
    found = read_annotations(tmp_path / "a.geojson", without_area="drop")
    assert found.dropped == 1
    assert found.groups == {"Tumor": 4}
    # All holes are taken out, once; another part of the same collection stands by itself.
    assert found.lesions.area == 10_000 - 40 * 60 + 900 + 100
    collection["geometries"].append({"type": "Circle", "coordinates": []})
    (tmp_path / "b.geojson").write_text(json.dumps(feature))
    assert "'Circle' is not a geometry" in refusal(tmp_path / "b.geojson").reason


def test_exclusion_removes_the_lesion_within(tmp_path: Path) -> None:
    island = [(30, 30), (40, 30), (40, 40), (30, 40)]
    found = read_annotations(
        write_asap(tmp_path / "a.xml", ("Exclusion", INNER), ("Tumor", island), ("Tumor", SQUARE))
    )
    assert found.tumor().area == 10_000 - 1_600


def test_exclusions_over_all_lesions_are_refused(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", INNER), ("Normal", SQUARE))
    assert refusal(path).reason == "its exclusions cover all lesions"
    assert "index.annotations.groups" in refusal(path).hint
    assert read_annotations(path, groups={"normal": "ignore"}).tumor().area == 1_600
    write_asap(path, ("Tumor", INNER), ("Normal", SQUARE), ("Tumor", AWAY))
    assert read_annotations(path).tumor().area == 900
    assert read_annotations(write_asap(path, ("Normal", SQUARE))).lesions.is_empty


def test_geojson_without_class_or_area_follows_the_policies(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps([{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}]))
    assert "encloses no area" in refusal(path).reason
    assert read_annotations(path, without_area="drop").groups == {"None": 1}
    path.write_text(json.dumps([_feature("Polygon", [_closed(SQUARE)], None)]))
    assert "'None'" in refusal(path).reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_geojson_is_read_with_a_byte_order_mark_or_in_utf16(tmp_path: Path, encoding: str) -> None:
    feature = _feature("Polygon", [_closed(SQUARE)], {"name": "Métastase"})
    (tmp_path / "a.geojson").write_text(json.dumps(feature, ensure_ascii=False), encoding=encoding)
    assert read_annotations(tmp_path / "a.geojson", groups={"métastase": "lesion"}).lesions.area == 10_000


def test_geojson_without_a_geometry_follows_the_policy(tmp_path: Path) -> None:
    features = [_feature("Polygon", [_closed(SQUARE)], "Tumor"), {"type": "Feature", "geometry": None}]
    for content in (features, {"type": "FeatureCollection", "features": features}):
        (tmp_path / "a.geojson").write_text(json.dumps(content))
        assert refusal(tmp_path / "a.geojson").reason.startswith("annotation number 2 encloses no area")
        found = read_annotations(tmp_path / "a.geojson", without_area="drop")
        assert (found.lesions.area, found.dropped) == (10_000, 1)


def test_geojson_nested_collections_are_read(tmp_path: Path) -> None:
    inner = {"type": "FeatureCollection", "features": [_feature("Polygon", [_closed(AWAY)], "Tumor")]}
    outer = {"type": "FeatureCollection", "features": [[inner], inner["features"][0], inner]}
    outer["features"].append(_feature("Polygon", [_closed(SQUARE)], "Tumor"))
    (tmp_path / "a.geojson").write_text(json.dumps(outer))
    found = read_annotations(tmp_path / "a.geojson")
    assert (found.lesions.area, found.groups) == (10_900, {"Tumor": 4})
    bare = {"type": "GeometryCollection", "geometries": [inner["features"][0]["geometry"]] * 2}
    (tmp_path / "b.geojson").write_text(json.dumps(bare))
    assert read_annotations(tmp_path / "b.geojson", groups={"None": "lesion"}).lesions.area == 900


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        ({"type": "Polygon", "coordinates": [["12", "34", "56"]]}, "vertex '12' is not a pair of numbers"),
        ({"type": "Polygon", "coordinates": [[[1], [2, 3], [4, 5]]]}, "vertex [1] is not"),
        ({"type": "Polygon", "coordinates": [[[True, 0], [2, 3], [4, 5]]]}, "vertex [True, 0] is not"),
        ({"type": "Polygon", "coordinates": [[[10**400, 0], [2, 3], [4, 5]]]}, "too large"),
        ({"type": "Polygon", "coordinates": [[1, 2], [2, 3], [4, 5]]}, "vertex 1 is not"),
        ({"type": "MultiPolygon", "coordinates": [1]}, "not lists of polygons"),
        ({"type": "Polygon", "coordinates": [[[1e300, 0], [2, 3], [4, 5]]]}, "is on no slide"),
        ({"type": ["Polygon"], "coordinates": []}, "is not a geometry"),
        ({"type": "MultiPolygon"}, "MultiPolygon has no list of coordinates"),
        ({"type": "GeometryCollection", "geometries": {"a": 1}}, "has no list of geometries"),
        ({"coordinates": []}, "None is not a geometry"),
        ([], "its geometry is not an object"),
        ("absent", "it has no geometry"),
    ],
)
def test_geojson_names_the_annotation_and_what_is_wrong_with_it(
    tmp_path: Path, geometry: object, said: str
) -> None:
    feature = {"type": "Feature", "geometry": geometry}
    bad = {"type": "Feature"} if geometry == "absent" else feature
    (tmp_path / "a.geojson").write_text(json.dumps([_feature("Polygon", [_closed(SQUARE)], "Tumor"), bad]))
    reason = refusal(tmp_path / "a.geojson").reason
    assert reason.startswith("annotation number 2: ") and said in reason


def test_annotations_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    for start, end in (("[", "]"), ('{"type": "FeatureCollection", "features": [', "]}")):
        (tmp_path / "a.geojson").write_text(start * 100_000 + end * 100_000)
        assert refusal(tmp_path / "a.geojson").reason == "is nested too deeply"


def test_asap_vertex_without_a_place_in_the_order_is_refused(tmp_path: Path) -> None:
    path = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE))
    path.write_text(path.read_text().replace('Order="2"', 'Order="nan"'))
    assert "annotation 0 has a vertex ['nan', '100', '100'] that is on no slide" in refusal(path).reason


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "FeatureCollection"}',
        '{"type": "FeatureCollection", "features": [null]}',
        '{"type": "FeatureCollection", "features": [',
        '{"type": "Topology"}',
        "3",
        "[1]",
        '[{"type": "Feature", "geometry": null}]',
        '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 1], ["a", 2], [3, 3]]]}}]',
        '[{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 1], [NaN, 2], [3, 3]]]}}]',
    ],
)
def test_damaged_geojson_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.geojson").write_text(text)
    refusal(tmp_path / "a.geojson")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<ASAP_Annotations><Annotations>", "truncated"),
        ("<Annotations/>", "root is Annotations"),
        ("<ASAP_Annotations><Annotations><annotation/></Annotations></ASAP_Annotations>", "'annotation' in"),
        (
            "<ASAP_Annotations><Annotations><Annotation><Coordinates><Point/></Coordinates></Annotation>"
            "</Annotations></ASAP_Annotations>",
            "'Point' in Coordinates",
        ),
        (
            '<!DOCTYPE x [<!ENTITY e "x">]><ASAP_Annotations>&e;</ASAP_Annotations>',
            "not readable as plain XML",
        ),
        (
            '<ASAP_Annotations><Annotations><Annotation Name="n"><Coordinates><Coordinate Order="0" X="1,5" '
            'Y="2"/></Coordinates></Annotation></Annotations></ASAP_Annotations>',
            "not a number",
        ),
        (
            '<ASAP_Annotations><Annotations><Annotation Name="n"><Coordinates><Coordinate Order="0" X="inf" '
            'Y="2"/></Coordinates></Annotation></Annotations></ASAP_Annotations>',
            "on no slide",
        ),
    ],
)
def test_asap_damaged_xml_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    assert reason in refusal(tmp_path / "a.xml").reason


def test_annotation_missing_empty_or_foreign_file_is_refused(tmp_path: Path) -> None:
    assert "no such" in refusal(tmp_path / "absent.xml").reason
    (tmp_path / "a.xml").touch()
    assert "empty" in refusal(tmp_path / "a.xml").reason
    (tmp_path / "a.csv").write_text("x,y")
    assert "neither" in refusal(tmp_path / "a.csv").reason


def test_annotation_file_without_shapes_has_no_area(tmp_path: Path) -> None:
    assert read_annotations(write_asap(tmp_path / "a.xml")) == NOTHING_ANNOTATED


def test_annotation_real_outlines_have_the_shoelace_area(real_data: Path) -> None:
    """Also of those that cross themselves, against areas found without a geometry library."""
    files = sorted((real_data / "annotations").glob("*.xml"))
    files.append(real_data / "slides" / "tumor_001_sparse_crop.xml")
    assert len(files) == 8
    for path in files:
        found, rings = read_annotations(path), read_rings(path)
        expected = areas(rings)
        assert sum(found.groups.values()) == sum(map(len, rings.values()))
        assert found.lesions.is_valid
        assert found.lesions.area == pytest.approx(expected.lesions, rel=1e-12)
        assert found.exclusions.area == pytest.approx(expected.exclusions, rel=1e-12)
        assert found.tumor().area == pytest.approx(expected.tumor, rel=1e-12)
        if path.stem == "tumor_095":
            assert found.groups == {"Exclusion": 20, "Tumor": 7} and len(found.exclusions.geoms) == 20


def test_shoelace_area_of_simple_shapes_is_exact() -> None:
    """The yardstick of the test above: an eight, a loop gone round twice, a hole, an island in it."""
    square, inner = np.array(SQUARE, float), np.array(INNER, float)
    eight = np.array([(200, 0), (210, 10), (210, 0), (200, 10)], float)
    twice = np.concatenate([square + 300, square + 300])
    island = np.array([(30, 30), (40, 30), (40, 40), (30, 40)], float)
    measured = areas({"Tumor": [square, eight, twice, island], "Exclusion": [inner]})
    assert (measured.lesions, measured.exclusions, measured.tumor) == (20_050, 1_600, 18_450)
