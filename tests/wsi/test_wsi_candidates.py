import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from factories.jpeg_slides import painted, write_lossless_slide
from factories.slide_cohort import index_settings
from factories.slide_files import write_asap

from pathgen.core.errors import PathgenError
from pathgen.patches.schemas import CANDIDATES, check_table
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.candidates import IndexedSlide, index_slide
from pathgen.wsi.geometry import grid_positions
from pathgen.wsi.settings import TissueSettings


def index(slide: Path, annotation: Path | None, **changed: Any) -> IndexedSlide:
    """Index a slide; `changed` are settings of the section or of its tissue, or `slide_label`."""
    label = changed.pop("slide_label", "tumor" if annotation else None)
    settings = index_settings(patch_px=64, stride_px=64, min_tissue_fraction=0.5)
    tissue = {"thumbnail_mpp": 1.0, "min_saturation": 0.05, "pen_min_width_um": None}
    tissue |= {name: changed.pop(name) for name in TissueSettings.model_fields if name in changed}
    changed["tissue"] = settings.tissue.model_copy(update=tissue)
    return index_slide(slide, annotation, label, settings.model_copy(update=changed))


def reason(slide: Path, annotation: Path | None, **changed: Any) -> str:
    with pytest.raises(PathgenError) as caught:
        index(slide, annotation, **changed)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """A slide of 640 x 448 px: tissue in columns 1 to 4 and rows 1 to 3 of the 64 px grid."""
    return write_lossless_slide(tmp_path / "slide.tif", painted(640, 448, (64, 64, 320, 256)))


@pytest.fixture
def outlines(tmp_path: Path) -> Path:
    """A lesion over one grid square and half of the next, with a cut-out of a quarter of the first."""
    return write_asap(
        tmp_path / "slide.xml",
        ("Tumor", [(64, 64), (160, 64), (160, 128), (64, 128)]),
        ("Exclusion", [(64, 64), (96, 64), (96, 96), (64, 96)]),
    )


def test_candidates_on_tissue_have_fractions(slide: Path, outlines: Path) -> None:
    found = index(slide, outlines)
    table = found.candidates
    assert len(table) == 4 * 3
    assert table["item"].tolist() == [row * 10 + column for row in (1, 2, 3) for column in (1, 2, 3, 4)]
    assert (table["x_l0"] == table["item"] % 10 * 64).all()
    assert (table["y_l0"] == table["item"] // 10 * 64).all()
    assert (table["size_l0"] == 64).all()
    assert table["tissue_fraction"].min() > 0.99
    assert table["tumor_fraction"].tolist() == [0.75, 0.5] + [0.0] * 10
    assert table["exclusion_fraction"].tolist() == [0.25] + [0.0] * 11
    assert table["touches_tumor"].tolist() == [True, True] + [False] * 10
    assert found.tissue.downsample == (4.0, 4.0)
    assert found.thumbnail.shape == (112, 160, 3)
    assert found.lesion_outlines[0].max(axis=0).tolist() == [40, 32]
    assert found.exclusion_outlines[0].max(axis=0).tolist() == [24, 24]


def test_candidates_slide_record_is_complete(tmp_path: Path, slide: Path, outlines: Path) -> None:
    found = index(slide, outlines)
    assert found.tissue_fraction == 12 * 64**2 / (640 * 448)
    assert found.tissue_mm2 == pytest.approx(12 * (64 * 0.25e-3) ** 2, rel=1e-6)
    assert found.lesion_mm2 == pytest.approx((96 * 64 - 32 * 32) * 0.25e-3**2, rel=1e-6)
    assert found.mean_rgb == pytest.approx((190, 90, 160), abs=2)
    assert found.annotations_dropped == 0
    assert index(slide, None).lesion_mm2 is None
    assert index(slide, None, slide_label="normal").lesion_mm2 == 0
    # What the slide does not hold is no part of what the share refers to.
    sparse = write_lossless_slide(
        tmp_path / "s.tif",
        painted(640, 448, (64, 64, 320, 256)),
        missing=set(range(40, 70)),
        steps=(1,),
    )
    assert index(sparse, None).tissue_fraction == 12 * 64**2 / (640 * 256)


def test_candidates_fit_the_schema(slide: Path, outlines: Path) -> None:
    for found in (index(slide, outlines), index(slide, None), index(slide, None, min_tissue_fraction=1.0)):
        rows = found.candidates.assign(
            slide="a", file=None, split=None, patient=None, label=None, exhaustive=True
        )
        check_table(rows, CANDIDATES, "candidates")
    pd.testing.assert_frame_equal(index(slide, outlines).candidates, index(slide, outlines).candidates)


def test_candidates_at_the_tissue_limit_count(slide: Path) -> None:
    assert (index(slide, None).candidates["tissue_fraction"] == 1).all()
    assert len(index(slide, None, min_tissue_fraction=1.0).candidates) == 12


def test_candidates_without_annotation_have_no_label(slide: Path) -> None:
    unknown = index(slide, None).candidates
    assert unknown[["tumor_fraction", "exclusion_fraction", "touches_tumor"]].isna().all(axis=None)
    tumor = index(slide, None, slide_label="tumor").candidates
    assert tumor["tumor_fraction"].isna().all()
    normal = index(slide, None, slide_label="normal").candidates
    assert (normal["tumor_fraction"] == 0).all()
    assert not normal["touches_tumor"].any()


def test_candidates_contradictory_label_is_refused(tmp_path: Path, slide: Path, outlines: Path) -> None:
    assert "labelled normal" in reason(slide, outlines, slide_label="normal")
    empty = write_asap(tmp_path / "none.xml")
    assert "contains no lesion" in reason(slide, empty)
    assert "contains no lesion" in reason(slide, empty, slide_label=None)
    assert (index(slide, empty, slide_label="normal").candidates["tumor_fraction"] == 0).all()
    far = write_asap(tmp_path / "far.xml", ("Tumor", [(600, 0), (700, 0), (700, 90), (600, 90)]))
    assert "beyond the edges of slide.tif" in reason(slide, far)


def test_candidates_beyond_tolerance_are_cut_in_microns(tmp_path: Path) -> None:
    image = painted(640, 448, (64, 64, 320, 256))
    near = index(write_lossless_slide(tmp_path / "near.tif", image, mpp=0.226), None).candidates
    assert (near["size_l0"] == 64).all()
    coarse = index(write_lossless_slide(tmp_path / "coarse.tif", image, mpp=0.499), None).candidates
    assert (coarse["size_l0"] == 32).all()
    assert len(coarse) == 8 * 6
    assert coarse["item"].max() == 7 * 20 + 9


def test_candidates_on_missing_tiles_are_left_out(tmp_path: Path) -> None:
    missing = set(range(10, 20))  # the second row
    path = write_lossless_slide(
        tmp_path / "a.tif", painted(640, 448, (64, 64, 320, 256)), missing=missing, steps=(1,)
    )
    assert sorted(set((index(path, None).candidates["item"] // 10).tolist())) == [2, 3]


def test_candidates_use_the_exact_downsample(tmp_path: Path) -> None:
    """A level of 10 x 5 px for 647 x 300: 64.7 to 1 in x. By its nominal 60 the tissue would end at 600."""
    path = write_lossless_slide(tmp_path / "a.tif", painted(647, 300, (582, 0, 647, 300)), steps=(1, 60))
    found = index(path, None, thumbnail_mpp=16.0, patch_px=16, stride_px=16, min_tissue_fraction=0.99)
    assert found.tissue.downsample == (64.7, 60.0)
    assert sorted(set(found.candidates["x_l0"])) == [592, 608, 624]


def test_candidates_of_a_useless_slide_are_refused(tmp_path: Path) -> None:
    blank = write_lossless_slide(tmp_path / "blank.tif", painted(300, 300))
    assert "no tissue" in reason(blank, None)
    small = write_lossless_slide(tmp_path / "small.tif", painted(300, 50, (0, 0, 300, 50)), steps=(1,))
    assert "smaller than one patch" in reason(small, None)
    uneven = write_lossless_slide(tmp_path / "uneven.tif", painted(300, 300, (0, 0, 90, 90)), mpp=(0.25, 0.5))
    assert "not square" in reason(uneven, None)


def test_candidates_of_a_real_tumor_slide(real_data: Path) -> None:
    folder = real_data / "slides"
    names = folder / "tumor_001_sparse_crop.tif", folder / "tumor_001_sparse_crop.xml"
    table = index(*names, patch_px=256, stride_px=256, thumbnail_mpp=8.0).candidates
    assert 10 <= len(table) <= 24
    assert (table["tumor_fraction"] > 0.4).all()
    # The squares are those of the grid, and their fractions those of a plain loop.
    grid = grid_positions(3840, 11520, 256, 256)[table["item"]]
    np.testing.assert_array_equal(grid, table[["x_l0", "y_l0"]].to_numpy(np.int64))
    area = read_annotations(names[1]).tumor()
    naive = [area.intersection(shapely.box(x, y, x + 256, y + 256)).area / 256**2 for x, y in grid.tolist()]
    np.testing.assert_allclose(table["tumor_fraction"], naive, atol=1e-9)
    # Every candidate holds part of a published patch; the empty background gives none.
    crop = json.loads((folder / "tumor_001_sparse_crop.json").read_text())["patches"]
    patches = shapely.union_all([shapely.box(p["x"], p["y"], p["x"] + 256, p["y"] + 256) for p in crop])
    shares = [
        patches.intersection(shapely.box(x, y, x + 256, y + 256)).area / 256**2 for x, y in grid.tolist()
    ]
    assert min(shares) > 0.4


def test_candidates_of_a_real_slide_at_20x(real_data: Path) -> None:
    found = index(real_data / "slides" / "CMU-1-Small-Region.svs", None, patch_px=256, stride_px=256)
    assert (found.candidates["size_l0"] == 128).all()
    assert 90 <= len(found.candidates) <= 170
    assert found.candidates["tumor_fraction"].isna().all()
