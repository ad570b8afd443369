from pathlib import Path

import h5py
import numpy as np
import pytest
from factories.slide_cohort import index_settings
from factories.slide_files import phantom_settings
from PIL import Image, ImageDraw
from scipy import ndimage

from pathgen.core.seeding import numpy_generator
from pathgen.phantom.anatomy import draw_anatomy, draw_outlines
from pathgen.phantom.dyes import draw_dyes
from pathgen.phantom.staining import draw_stain, render
from pathgen.wsi.pen_marks import ink_coloured, pen_marks
from pathgen.wsi.reader import open_slide
from pathgen.wsi.resample import shrink
from pathgen.wsi.tissue import find_tissue

PIXEL_UM = 8.0
PENS = {
    "blue": (35, 55, 140),
    "light blue": (60, 90, 175),
    "navy": (25, 30, 95),
    "green": (20, 120, 60),
    "teal": (20, 120, 120),
    "black": (35, 33, 38),
    "dark grey": (60, 55, 68),
    "red": (200, 20, 40),
    "dark red": (190, 30, 50),
}
STAINED = {
    "nuclei": (90, 60, 140),
    "dense nuclei": (60, 45, 110),
    "stroma": (220, 110, 160),
    "muscle": (215, 60, 120),
    "bright eosin": (235, 45, 150),
    "red cells": (190, 70, 90),
    "fold": (70, 30, 90),
    "pale": (225, 160, 200),
    "faded": (210, 150, 120),
    "pigment": (120, 85, 70),
}


def noisy(colour: tuple[int, int, int], height: int = 60, width: int = 60) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, 4, (height, width, 3))
    return np.clip(noise + np.array(colour), 0, 255).astype(np.uint8)


@pytest.fixture
def specimen() -> np.ndarray:
    """Glass of 200 x 200 px at 8 um with pale and dark tissue."""
    image = noisy((240, 239, 241), 200, 200)
    image[40:160, 40:100] = noisy(STAINED["stroma"], 120, 60)
    image[60:100, 50:90] = noisy(STAINED["nuclei"], 40, 40)
    image[40:160, 100:130] = noisy(STAINED["pale"], 120, 30)
    return image


def stroke(image: np.ndarray, colour: tuple[int, int, int], width_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a bent line with blurred edges; return the picture and where more than half is ink."""
    drawn = Image.new("L", (image.shape[1], image.shape[0]), 0)
    ImageDraw.Draw(drawn).line([(150, 10), (170, 100), (140, 190)], fill=255, width=width_px, joint="curve")
    share = ndimage.gaussian_filter(np.asarray(drawn, float) / 255, 1.0)
    ink = noisy(colour, *image.shape[:2]).astype(float)
    mixed = image * (1 - share[..., None]) + ink * share[..., None]
    return mixed.round().astype(np.uint8), share > 0.5


def tissue(image: np.ndarray, pen_min_width_um: float | None) -> np.ndarray:
    update = {"black_below": 25, "pen_min_width_um": pen_min_width_um}
    settings = index_settings().tissue.model_copy(update=update)
    covered = np.ones(image.shape[:2], bool)
    return find_tissue(image, covered, (32.0, 32.0), PIXEL_UM / 32, settings).mask


@pytest.mark.parametrize("name", PENS)
def test_pen_mark_is_not_tissue_and_hides_none(specimen: np.ndarray, name: str) -> None:
    clean = tissue(specimen, 100.0)
    assert clean.sum() > 0.95 * 120 * 90
    marked, ink = stroke(specimen, PENS[name], 30)
    found = tissue(marked, 100.0)
    assert found[ink].mean() < 0.01
    # Nothing of the stroke's blurred edge is left, and no tissue is lost for the ink.
    assert (found & ~clean).sum() < 0.002 * found.size
    assert (clean & ~found & ~ndimage.binary_dilation(ink, iterations=5)).sum() < 0.01 * clean.sum()


def test_pen_mark_counts_as_tissue_if_not_searched(specimen: np.ndarray) -> None:
    marked, ink = stroke(specimen, PENS["blue"], 30)
    assert tissue(marked, None)[ink].mean() > 0.95
    # And its saturation lifts Otsu's threshold above the pale tissue.
    assert tissue(specimen, None)[45:155, 105:125].mean() > 0.9
    assert tissue(marked, None)[45:155, 105:125].mean() < 0.1


@pytest.mark.parametrize("name", STAINED)
def test_pen_marks_contain_no_stain(name: str) -> None:
    assert not pen_marks(noisy(STAINED[name]), 30.0, PIXEL_UM).any()


def test_pen_marks_narrow_ones_are_pigment(specimen: np.ndarray) -> None:
    marked, ink = stroke(specimen, PENS["black"], 5)
    assert ink_coloured(marked)[ink].mean() > 0.5
    assert not pen_marks(marked, 100.0, PIXEL_UM).any()
    assert pen_marks(marked, 30.0, PIXEL_UM)[ink].mean() > 0.9


def test_pen_marks_do_not_depend_on_row_blocks() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1030, 7, 3), dtype=np.uint8)
    by_row = np.concatenate([ink_coloured(row[None]) for row in image])
    np.testing.assert_array_equal(ink_coloured(image), by_row)


def test_pen_marks_real_patches_have_none(real_data: Path) -> None:
    """1,057 patches at the resolution in which tissue is looked for; not one pixel has an ink's colour."""
    files = sorted((real_data / "camelyon16_patches_40x").glob("*/*.png"))
    near = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    small = [np.concatenate([shrink(patch, 8) for patch in near])]  # 7.8 um/px
    for file in sorted((real_data / "pcam").glob("*_x.h5")):
        with h5py.File(file) as patches:
            small.append(np.concatenate([shrink(patch, 12) for patch in patches["x"][:]]))  # 7.8 um/px
    assert sum(map(len, small)) == 57 * 8 + 1000 * 12
    assert not any(ink_coloured(patches).any() for patches in small)
    # Nearer, single pixels have; strokes of 25 um none.
    column = near.reshape(-1, 256, 3)
    assert ink_coloured(column).any()
    assert not pen_marks(column, 25.0, 0.243).any()


def test_pen_marks_phantom_tissue_has_none() -> None:
    """With stains that differ more than those of the default study's slides, 0.08, do."""
    chosen = phantom_settings(width_px=1024, height_px=1024)
    outlines = draw_outlines(numpy_generator(5, "outlines"), chosen, has_lesion=True)
    anatomy = draw_anatomy(numpy_generator(5, "anatomy"), outlines, chosen)
    dyes = draw_dyes(numpy_generator(5, "dyes"), anatomy, chosen)
    for seed in range(6):
        stain = draw_stain(numpy_generator(seed, "stain"), 0.15)
        picture = render(*dyes, stain, numpy_generator(seed, "noise"))
        assert not ink_coloured(shrink(picture, 64)).any()


@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "tumor_001_sparse_crop.tif"])
@pytest.mark.parametrize("pixel_um", [2.0, 8.0])
def test_pen_marks_real_slides_have_none(real_data: Path, name: str, pixel_um: float) -> None:
    with open_slide(real_data / "slides" / name, None) as slide:
        picture = slide.overview(pixel_um / slide.mpp[0]).image
    assert not pen_marks(picture, 100.0, pixel_um).any()
