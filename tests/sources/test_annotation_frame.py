"""The frame of an annotation is that of its slide, or the annotation is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.mirax_slides import write_mirax_slide
from factories.scn_slides import write_scn_slide
from factories.slide_cohort import cohort_settings, index_settings
from factories.slide_files import annotation_settings, write_asap, write_slide

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.profiles import compose_profile
from pathgen.inspect.probe import inspect_path
from pathgen.sources.slide_csv import find_candidates, find_cohort, read_patches
from pathgen.wsi.candidates import index_slide

CORNER = (300, 200)
RING = [(128, 128), (320, 128), (320, 320), (128, 320)]  # px of the scanned area


def _draw_scan() -> np.ndarray:
    """Draw glass, pink tissue and a violet lesion within `RING`, the scanned area of a slide."""
    rng = np.random.default_rng(0)
    image = np.full((512, 512, 3), 245, np.uint8)
    image[64:448, 64:448] = rng.normal((220, 150, 190), 8, (384, 384, 3)).clip(0, 255)
    image[128:320, 128:320] = rng.normal((130, 80, 160), 8, (192, 192, 3)).clip(0, 255)
    return image


def _write_geojson(path: Path, shift: tuple[int, int] = (0, 0)) -> Path:
    ring = [[x + shift[0], y + shift[1]] for x, y in [*RING, RING[0]]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"classification": {"name": "Tumor"}},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_scn_slide(tmp_path / "a.scn", _draw_scan(), CORNER)
    write_slide(tmp_path / "n.tif")
    _write_geojson(tmp_path / "a.geojson")
    (tmp_path / "slides.csv").write_text("slide,label,annotation\na.scn,tumor,a.geojson\nn.tif,normal,\n")
    return tmp_path


def _labelled(root: Path, annotation: str = "a.geojson", **changes: str) -> pd.DataFrame:
    """Return the candidates of the slide ``a`` as the stages cohort and index find them."""
    (root / "slides.csv").write_text(f"slide,label,annotation\na.scn,tumor,{annotation}\nn.tif,normal,\n")
    settings, policy = cohort_settings(root), annotation_settings(**changes)
    row = find_cohort(root, settings, policy).to_dict("records")[0]
    index = index_settings(mpp=0.5, annotations=policy.model_dump())
    return find_candidates(root, row, settings, index).candidates


def _assert_says_both_choices(problem: str | None) -> None:
    assert problem is not None and len(problem.splitlines()) == 1
    words = ("a.geojson: ", "(300, 200)", "index.annotations.origin", "bounds", "slide")
    assert [word for word in words if word not in problem] == []


def test_geojson_of_a_slide_with_bounds_is_refused_without_an_origin(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PathgenErrors) as failure:
        find_cohort(root, cohort_settings(root), annotation_settings())
    _assert_says_both_choices(str(failure.value))
    with pytest.raises(PathgenError) as alone:
        index_slide(root / "a.scn", root / "a.geojson", "tumor", index_settings(mpp=0.5))
    _assert_says_both_choices(str(alone.value))
    monkeypatch.chdir(root)
    _assert_says_both_choices(inspect_path(Path("a.geojson")).problem)
    params = compose_profile("phantom").replace("origin: null", "origin: bounds")
    (root / "params.yaml").write_text(params)
    assert inspect_path(Path("a.geojson")).usable
    assert inspect_path(Path("a.scn")).facts["bounds_corner_px"] == list(CORNER)


def test_geojson_relative_to_the_bounds_is_moved_to_its_place(root: Path) -> None:
    found = _labelled(root, origin="bounds")
    # Squares of 32 px: of the lesion's 192 px, those wholly inside are tumour.
    places = found.loc[found["tumor_fraction"] == 1, ["x_l0", "y_l0"]].to_numpy()
    low, high = np.add(RING[0], CORNER), np.add(RING[2], CORNER)
    expected = [
        (x, y)
        for y in range(0, 800, 32)
        for x in range(0, 900, 32)
        if (low <= (x, y)).all() and (np.add((x, y), 32) <= high).all()
    ]
    assert expected and places.tolist() == [list(place) for place in expected]
    moved = write_asap(root / "a.xml", ("Tumor", [(x + CORNER[0], y + CORNER[1]) for x, y in RING]))
    pd.testing.assert_frame_equal(found, _labelled(root, moved.name))
    _write_geojson(root / "whole.geojson", CORNER)
    pd.testing.assert_frame_equal(found, _labelled(root, "whole.geojson", origin="slide"))


def test_outlines_relative_to_the_bounds_of_a_mirax_slide_lie_on_its_lesion(tmp_path: Path) -> None:
    corner = (256, 128)
    write_mirax_slide(tmp_path / "m.mrxs", _draw_scan(), corner, mpp=0.5)
    _write_geojson(tmp_path / "m.geojson")
    (tmp_path / "slides.csv").write_text("slide,label,annotation\nm.mrxs,tumor,m.geojson\n")
    settings, policy = cohort_settings(tmp_path), annotation_settings(origin="bounds")
    (row,) = find_cohort(tmp_path, settings, policy).to_dict("records")
    assert (row["vendor"], row["mpp_x"]) == ("mirax", 0.5)
    found = find_candidates(tmp_path, row, settings, index_settings(mpp=0.5, annotations=policy.model_dump()))
    lesion = found.candidates[found.candidates["tumor_fraction"] == 1].reset_index(drop=True)
    low, high = np.add(RING[0], corner), np.add(RING[2], corner)
    assert lesion[["x_l0", "y_l0"]].min().tolist() == low.tolist()
    assert (lesion[["x_l0", "y_l0"]].max() + 32).tolist() == high.tolist()
    pixels = read_patches(tmp_path, lesion, 16, settings, 1)
    assert pixels.method == "openslide"
    assert np.abs(pixels.images.mean((0, 1, 2)) - (130, 80, 160)).max() < 3


def test_origin_changes_nothing_without_bounds_and_in_xml(root: Path) -> None:
    write_slide(root / "t.tif", mpp=0.5)
    _write_geojson(root / "t.geojson")
    found = [
        index_slide(
            root / "t.tif",
            root / "t.geojson",
            "tumor",
            index_settings(mpp=0.5, annotations=annotation_settings(origin=origin).model_dump()),
        ).candidates
        for origin in (None, "slide", "bounds")
    ]
    pd.testing.assert_frame_equal(found[0], found[1])
    pd.testing.assert_frame_equal(found[0], found[2])


def test_geojson_without_outlines_needs_no_origin(root: Path) -> None:
    (root / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (root / "slides.csv").write_text("slide,label,annotation\na.scn,normal,none.geojson\n")
    assert len(find_cohort(root, cohort_settings(root), annotation_settings())) == 1
