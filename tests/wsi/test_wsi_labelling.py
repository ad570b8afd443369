import json
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from factories.scanline import read_rings, ring_in_box
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.area_fractions import area_fractions, tissue_fractions, touches_area
from pathgen.wsi.geometry import grid_positions


def star(seed: int, centre: tuple[float, float], radius: float, corners: int) -> Polygon:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.3, 1, corners) * radius
    ring = np.stack([centre[0] + reach * np.cos(angles), centre[1] + reach * np.sin(angles)], axis=1)
    drawn = shapely.make_valid(Polygon(ring), method="structure", keep_collapsed=False)
    return drawn if isinstance(drawn, Polygon) else max(drawn.geoms, key=lambda part: part.area)


def lesions(seed: int) -> MultiPolygon:
    parts = [
        star(seed + 1, (90, 80), 80, 24),
        star(seed + 2, (300, 200), 100, 40).difference(star(seed + 3, (300, 200), 25, 12)),
        star(seed + 4, (260, 60), 30, 9),
    ]
    union = shapely.union_all(parts)
    return MultiPolygon([union] if isinstance(union, Polygon) else list(union.geoms))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(5, 120), stride=st.integers(20, 90))
def test_fractions_equal_a_loop(seed: int, size: int, stride: int) -> None:
    area = lesions(seed)
    positions = grid_positions(400, 300, size, stride)
    naive = [
        shapely.box(x, y, x + size, y + size).intersection(area).area / size**2 for x, y in positions.tolist()
    ]
    found = area_fractions(positions, size, area)
    np.testing.assert_allclose(found, naive, atol=1e-9)
    assert found.min() >= 0
    assert found.max() <= 1


def test_fractions_within_outside_and_at_the_edge() -> None:
    area = MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 110, 50)])
    positions = np.array([[10, 10], [200, 200], [80, 60], [90, 0], [0, 100]], np.int64)
    np.testing.assert_allclose(area_fractions(positions, 40, area), [1, 0, 0.5, 0.5, 0])


def test_fractions_of_nothing_are_empty() -> None:
    assert area_fractions(np.zeros((3, 2), np.int64), 10, MultiPolygon()).tolist() == [0, 0, 0]
    assert area_fractions(np.zeros((0, 2), np.int64), 10, lesions(0)).shape == (0,)
    assert touches_area(np.zeros((0, 2), np.int64), 10, lesions(0), 4).shape == (0,)
    assert touches_area(np.zeros((2, 2), np.int64), 10, MultiPolygon(), 4).tolist() == [False, False]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), stride=st.integers(10, 70))
def test_touching_means_an_overlapping_mask_pixel(seed: int, stride: int) -> None:
    area, cell, size = lesions(seed), 16, 64
    mask = np.array(
        [
            [shapely.box(x, y, x + cell, y + cell).intersection(area).area > 0 for x in range(0, 480, cell)]
            for y in range(0, 400, cell)
        ]
    )
    positions = grid_positions(400, 300, size, stride)
    naive = [
        mask[y // cell : -(-(y + size) // cell), x // cell : -(-(x + size) // cell)].any()
        for x, y in positions.tolist()
    ]
    assert touches_area(positions, size, area, cell).tolist() == naive


def test_touching_excludes_a_shared_border() -> None:
    area = MultiPolygon([shapely.box(64, 0, 128, 64)])
    positions = np.array([[0, 0], [32, 0], [30, 0], [128, 0], [64, 64]], np.int64)
    assert touches_area(positions, 64, area, 32).tolist() == [False, True, True, False, False]
    assert touches_area(np.array([[1, 0]], np.int64), 63, area, 64).tolist() == [False]
    # A border shared with one part does not hide the overlap with another.
    two = MultiPolygon([shapely.box(64, 0, 128, 64), shapely.box(0, 0, 32, 64)])
    assert touches_area(np.array([[32, 0], [128, 0]], np.int64), 64, two, 32).tolist() == [True, False]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    size=st.integers(1, 60),
    downsample=st.tuples(st.floats(1, 12), st.floats(1, 12)),
)
def test_tissue_fractions_are_exact_areas(seed: int, size: int, downsample: tuple[float, float]) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((7, 9)) < 0.5
    positions = rng.integers(0, 60, (12, 2))

    def overlap(start: float, pixel: float, count: int) -> np.ndarray:
        edges = np.arange(count + 1) * pixel
        return np.clip(np.minimum(edges[1:], start + size) - np.maximum(edges[:-1], start), 0, None)

    naive = [
        overlap(y, downsample[1], 7) @ mask @ overlap(x, downsample[0], 9) / size**2
        for x, y in positions.tolist()
    ]
    np.testing.assert_allclose(tissue_fractions(positions, size, mask, downsample), naive, atol=1e-9)


def test_labels_of_the_real_patches_are_the_published_ones(real_data: Path) -> None:
    """Tumour patches lie in the lesions of the whole slide, normal ones outside, but for two at an edge."""
    wrong = []
    for path in sorted((real_data / "camelyon16_patches_40x").glob("*/*.png")):
        slide, x, y = path.stem.rsplit("_", 2)
        outlines = real_data / "annotations" / f"{slide}.xml"
        if outlines.exists():
            area = read_annotations(outlines).tumor()
            fraction = area_fractions(np.array([[int(x), int(y)]], np.int64), 256, area)[0]
            if (fraction >= 0.5) != (path.parent.name == "tumor"):
                wrong.append(path.name)
    assert len(wrong) <= 2


def test_fractions_over_a_covering_grid_sum_to_the_area(real_data: Path) -> None:
    files = [real_data / "slides" / "tumor_001_sparse_crop.xml", *(real_data / "annotations").glob("*.xml")]
    assert len(files) == 8
    for path in files:
        area = read_annotations(path).tumor()
        left, top, right, bottom = (int(edge) for edge in area.bounds)
        size = 1024 if (right - left) * (bottom - top) > 5e8 else 256
        grid = grid_positions(right - left + 2 * size, bottom - top + 2 * size, size, size)
        total = area_fractions(grid + np.array([left - 3, top - 5]), size, area).sum() * size**2
        assert total == pytest.approx(area.area, rel=1e-9)


def test_labels_of_all_squares_of_the_real_crop_are_right(real_data: Path) -> None:
    """All 675 squares of 3,840 x 11,520 px against clipping vertex by vertex, and the published places."""
    folder = real_data / "slides"
    path = folder / "tumor_001_sparse_crop.xml"
    positions = grid_positions(3840, 11520, 256, 256)
    assert len(positions) == 675
    rings = read_rings(path)["Tumor"]
    naive = np.array(
        [sum(abs(ring_in_box(ring, x, y, x + 256, y + 256)) for ring in rings) for x, y in positions.tolist()]
    )
    fractions = area_fractions(positions, 256, read_annotations(path).tumor())
    np.testing.assert_allclose(fractions, naive / 256**2, atol=1e-9)
    tumor = fractions >= 0.5
    assert 0 < tumor.sum() < 675
    published = json.loads((folder / "tumor_001_sparse_crop.json").read_text())["patches"]
    places = np.array([(patch["x"], patch["y"]) for patch in published])
    assert touches_area(places, 256, read_annotations(path).tumor(), 64).all()
    for patch in published:
        # The square in which the patch's centre lies and, where that is at the lesion's edge, its own area.
        square = (patch["y"] + 128) // 256 * 15 + (patch["x"] + 128) // 256
        assert tumor[square] == (patch["label"] == "tumor") or 0 < fractions[square] < 1


def wavy(rng: np.random.Generator, centre: tuple[float, float], radius: float, corners: int) -> Polygon:
    """Draw an outline like a hand-drawn one: waves of all lengths, the longer the higher."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    waves = np.arange(1, 40)
    height = rng.normal(size=(2, 39)) / waves * 0.12
    reach = 1 + height[0] @ np.cos(np.outer(waves, turn)) + height[1] @ np.sin(np.outer(waves, turn))
    reach = radius * np.clip(reach, 0.2, None)
    return Polygon(np.stack([centre[0] + reach * np.cos(turn), centre[1] + reach * np.sin(turn)], axis=1))


def test_fractions_of_thirty_thousand_squares_are_fast() -> None:
    rng = np.random.default_rng(0)
    places = [(x, y) for x in (8_000.0, 20_000.0, 32_000.0, 44_000.0) for y in (8_000.0, 20_000.0, 32_000.0)]
    area = MultiPolygon([wavy(rng, place, rng.uniform(1_500, 5_000), 3_000) for place in places[:10]])
    assert shapely.get_num_coordinates(area) == 10 * 3_001
    positions = grid_positions(256 * 174, 256 * 174, 256, 256)[:30_000]
    start = time.process_time()  # several tests may run at once
    fractions = area_fractions(positions, 256, area)
    touched = touches_area(positions, 256, area, 64)
    # Measured 0.12 s and 0.05 s.
    assert time.process_time() - start < 1
    assert ((fractions > 0) & (fractions < 1)).sum() > 1_000
    np.testing.assert_array_equal(touched, fractions > 0)
