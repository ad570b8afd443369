"""The phantom's files: layout, determinism, what OpenSlide and an XML parser see."""

import csv
import itertools
from pathlib import Path

import defusedxml.ElementTree
import numpy as np
import openslide
import pytest
import shapely
import tifffile
from factories.patch_sets import content
from factories.slide_files import phantom_settings
from shapely.geometry import Polygon

from pathgen.core.files import sha256_of
from pathgen.phantom.phantom_dataset import write_phantom
from pathgen.phantom.writers import halve, write_pyramid

TINY = {
    **{"seed": 7, "normal_slides": 1, "tumor_slides": 1, "test_normal_slides": 1},
    **{"test_tumor_slides": 2, "workers": 1},
    **{"width_px": 640, "height_px": 512, "levels": 3, "tile_px": 128},
}


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantom")
    write_phantom(root, phantom_settings(**TINY))
    return root


def test_phantom_layout_is_that_of_camelyon16(phantom):
    assert sorted(content(phantom)) == [
        "testing/images/test_001.tif",
        "testing/images/test_002.tif",
        "testing/images/test_003.tif",
        "testing/lesion_annotations/test_001.xml",
        "testing/lesion_annotations/test_003.xml",
        "testing/reference.csv",
        "training/lesion_annotations/tumor_001.xml",
        "training/normal/normal_001.tif",
        "training/tumor/tumor_001.tif",
    ]
    rows = list(csv.reader((phantom / "testing/reference.csv").read_text().splitlines()))
    assert rows == [
        ["test_001", "Tumor", "IDC", "Macro"],
        ["test_002", "Normal", "None", "None"],
        ["test_003", "Tumor", "IDC", "Macro"],
    ]


def test_phantom_bytes_do_not_depend_on_workers_or_other_slides(phantom, tmp_path):
    fewer = TINY | {"workers": 2, "test_normal_slides": 0, "test_tumor_slides": 0}
    slides = write_phantom(tmp_path, phantom_settings(**fewer))
    assert [p.name for p in slides] == ["normal_001.tif", "tumor_001.tif"]
    here, there = content(tmp_path), content(phantom)
    assert here.pop("testing/reference.csv") == b"" and len(here) == 3
    assert here.items() <= there.items()


def test_phantom_other_seed_gives_other_slide(phantom, tmp_path):
    other = TINY | {"seed": 8, "tumor_slides": 0, "test_normal_slides": 0, "test_tumor_slides": 0}
    (slide,) = write_phantom(tmp_path, phantom_settings(**other))
    assert sha256_of(slide) != sha256_of(phantom / "training/normal/normal_001.tif")


def test_phantom_slides_of_one_set_differ(phantom):
    slides = [tifffile.imread(p, key=0) for p in sorted(phantom.rglob("*.tif"))]
    for one, other in itertools.combinations(slides, 2):
        assert not np.array_equal(one, other)


def test_phantom_tiff_has_pyramid_and_resolution_in_openslide(phantom):
    with openslide.OpenSlide(phantom / "training/tumor/tumor_001.tif") as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert slide.level_dimensions == ((640, 512), (320, 256), (160, 128))
        assert slide.level_downsamples == pytest.approx((1, 2, 4))
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.5)
        seen = np.asarray(slide.read_region((0, 0), 0, slide.dimensions))[..., :3]
    stored = tifffile.imread(phantom / "training/tumor/tumor_001.tif", key=0)
    # Two decoders of the same JPEG tiles may differ by rounding only.
    assert np.abs(seen.astype(int) - stored.astype(int)).max() <= 4


@pytest.mark.parametrize("mpp", [0.243, 1.0])
def test_phantom_tiff_keeps_any_resolution(mpp, tmp_path):
    picture = np.full((300, 200, 3), 128, np.uint8)
    write_pyramid(tmp_path / "a.tif", picture, mpp, 2, 64, 90)
    with openslide.OpenSlide(tmp_path / "a.tif") as slide:
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(mpp, rel=1e-6)
        assert slide.level_dimensions == ((200, 300), (100, 150))


def test_halve_equals_the_mean_of_four(tmp_path):
    picture = np.random.default_rng(1).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    expected = [
        [picture[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean((0, 1)) for x in range(4)] for y in range(3)
    ]
    np.testing.assert_array_equal(halve(picture), np.floor(np.array(expected) + 0.5))


def outlines(path: Path) -> dict[str, list[Polygon]]:
    found: dict[str, list[Polygon]] = {"Tumor": [], "Exclusion": []}
    tree = defusedxml.ElementTree.parse(path)
    assert [group.get("Name") for group in tree.iter("Group")] == ["Tumor", "Exclusion"]
    for annotation in tree.iter("Annotation"):
        corners = sorted(annotation.iter("Coordinate"), key=lambda c: int(c.get("Order")))
        ring = [(float(c.get("X")), float(c.get("Y"))) for c in corners]
        found[annotation.get("PartOfGroup")].append(Polygon(ring))
    return found


def test_phantom_outlines_lie_on_tissue(phantom):
    files = sorted(phantom.rglob("*.xml"))
    assert len(files) == 3
    for file in files:
        found = outlines(file)
        assert found["Tumor"]
        slide = next(phantom.rglob(f"{file.stem}.tif"))
        picture = tifffile.imread(slide, key=0).astype(int)
        stained = picture.max(axis=2) - picture.min(axis=2) > 12
        for polygon in found["Tumor"]:
            assert polygon.is_valid
            left, top, right, bottom = polygon.bounds
            assert left >= 0 and top >= 0 and right <= 640 and bottom <= 512
            x, y = np.meshgrid(np.arange(640), np.arange(512))
            inside = shapely.contains_xy(polygon, x.ravel(), y.ravel()).reshape(512, 640)
            assert stained[inside].mean() > 0.8


def test_phantom_settings_too_many_levels_are_refused():
    with pytest.raises(ValueError, match="levels = 7 leaves 8 px"):
        phantom_settings(**TINY | {"levels": 7})
