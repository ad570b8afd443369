"""What the phantom shows: where the lesion is, how large nuclei are, how little colour says."""

import numpy as np
import pytest
import shapely
from factories.slide_files import phantom_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import numpy_generator
from pathgen.phantom.anatomy import draw_anatomy, draw_outlines
from pathgen.phantom.dyes import draw_dyes
from pathgen.phantom.noise import enlarge, smooth_noise
from pathgen.phantom.nuclei import (
    LYMPHOCYTE,
    REACTIVE,
    TUMOR,
    draw_bank,
    jittered_grid,
    put_stamps,
)
from pathgen.phantom.staining import EOSIN, HAEMATOXYLIN, Stain, draw_stain, render

SIDE = 2048


@pytest.fixture(scope="module")
def drawn():
    chosen = phantom_settings(width_px=SIDE, height_px=SIDE, tissue_share=0.65, lesion_share=0.5, overlap=0.4)
    outlines = draw_outlines(numpy_generator(5, "outlines"), chosen, has_lesion=True)
    anatomy = draw_anatomy(numpy_generator(5, "anatomy"), outlines, chosen)
    return outlines, anatomy, draw_dyes(numpy_generator(5, "dyes"), anatomy, chosen)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.6), st.sampled_from([(3000, 2000), (1024, 1024)]))
def test_lesion_outlines_lie_within_tissue(seed, lesion_share, size):
    chosen = phantom_settings(
        width_px=size[0], height_px=size[1], tissue_share=0.55, lesion_share=lesion_share
    )
    outlines = draw_outlines(np.random.default_rng(seed), chosen, has_lesion=True)
    tissue = shapely.union_all(outlines.tissue)
    assert shapely.box(0, 0, *size).contains(tissue)
    assert 0.3 < tissue.area / (size[0] * size[1]) < 0.65
    lesions = shapely.union_all(outlines.lesions)
    assert outlines.lesions and all(lesion.is_valid for lesion in outlines.lesions)
    # Vertices are rounded to whole pixels and the line between them is simplified.
    assert tissue.buffer(3).contains(lesions)
    assert 0.5 * lesion_share < lesions.area / tissue.area < 1.3 * lesion_share
    assert all(lesions.contains(hole) for hole in outlines.exclusions)


def test_lesion_on_a_too_small_slide_is_refused():
    small = phantom_settings(width_px=512, height_px=512, mpp=0.2, tissue_share=0.3, lesion_share=0.01)
    with pytest.raises(PathgenError, match="lesion_share"):
        draw_outlines(np.random.default_rng(3), small, has_lesion=True)


def test_normal_slide_has_no_lesion():
    outlines = draw_outlines(np.random.default_rng(3), phantom_settings(), has_lesion=False)
    assert outlines.tissue and not outlines.lesions and not outlines.exclusions


def test_lesion_pixels_equal_the_outlined_area(drawn):
    outlines, anatomy, _ = drawn
    outlined = sum(p.area for p in outlines.lesions) - sum(p.area for p in outlines.exclusions)
    assert anatomy.lesion.sum() * anatomy.map_px**2 == pytest.approx(outlined, rel=0.01)
    assert outlines.exclusions
    for hole in outlines.exclusions:
        x, y = np.asarray(hole.representative_point().coords)[0]
        row, column = int(y) // anatomy.map_px, int(x) // anatomy.map_px
        assert anatomy.lesion[row, column] == 0
        assert anatomy.nest[row, column] == 0


def test_enlarge_keeps_the_place_of_a_value():
    field = np.zeros((10, 10), np.float32)
    field[3, 6] = 1
    large = enlarge(field, (80, 80), 8.0)
    rows, columns = np.mgrid[0:80, 0:80] + 0.5
    centre = np.average(rows, weights=large), np.average(columns, weights=large)
    assert centre == pytest.approx((3.5 * 8, 6.5 * 8), abs=0.05)


def test_noise_is_about_standard_normal():
    noise = smooth_noise(np.random.default_rng(0), (600, 600), 5.0)
    assert abs(noise.mean()) < 0.05
    assert 0.85 < noise.std() < 1.15


def test_nuclei_of_tumour_are_larger_paler_and_less_round():
    rng = np.random.default_rng(2)
    banks = {kind: draw_bank(rng, kind, 0.25, 4, 1.0) for kind in (LYMPHOCYTE, REACTIVE, TUMOR)}

    def diameter(kind):
        return 2 * np.sqrt(np.array([stamp.area_um2 for stamp in banks[kind]]) / np.pi)

    def density(kind):
        return np.mean([stamp.ink.sum() * 0.25**2 / stamp.area_um2 for stamp in banks[kind]])

    assert 6.0 < np.median(diameter(LYMPHOCYTE)) < 8.0
    assert 10.0 < np.median(diameter(TUMOR)) < 16.0
    assert np.median(diameter(LYMPHOCYTE)) < np.median(diameter(REACTIVE)) < np.median(diameter(TUMOR))
    assert diameter(TUMOR).std() > 1.5 * diameter(LYMPHOCYTE).std()
    assert density(TUMOR) < 0.8 * density(LYMPHOCYTE)


def test_nuclei_size_does_not_depend_on_resolution():
    sizes = [
        np.mean([s.area_um2 for s in draw_bank(np.random.default_rng(4), TUMOR, mpp, 4, 1.0)])
        for mpp in (0.25, 0.5, 1.0)
    ]
    assert max(sizes) / min(sizes) < 1.15


def test_nuclei_replace_what_is_below():
    bank = draw_bank(np.random.default_rng(1), LYMPHOCYTE, 0.5, 1, 1.0)
    haematoxylin, eosin = np.full((140, 140), 0.1, np.float32), np.full((140, 140), 0.3, np.float32)
    put_stamps(haematoxylin, eosin, 20, np.array([[50.0, 60.0]]), [bank[0]])
    assert haematoxylin[70, 80] > 0.4
    assert eosin[70, 80] < 0.2
    changed = np.argwhere(eosin != np.float32(0.3))
    assert np.abs(changed - (70, 80)).max() < 16


def test_nuclei_are_spread_evenly():
    points = jittered_grid(np.random.default_rng(0), (500, 700), 20.0, 0.25)
    assert len(points) == pytest.approx(500 * 700 / (20 * 20 * np.sqrt(3) / 2), rel=0.06)
    assert (points >= 0).all() and (points < (500, 700)).all()
    # Random order: neighbours in the list are no neighbours on the slide.
    assert np.median(np.linalg.norm(np.diff(points, axis=0), axis=1)) > 100


def test_stain_colour_follows_beer_lambert():
    dyes = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    stain = Stain(np.stack([HAEMATOXYLIN, EOSIN]), np.array([240.0, 241.0, 242.0]), 0.0)
    picture = render(dyes, dyes[::-1] * 0.5, stain, np.random.default_rng(0))
    density = dyes[..., None] * HAEMATOXYLIN + dyes[::-1, :, None] * 0.5 * EOSIN
    np.testing.assert_allclose(picture, np.array([240, 241, 242]) * 10**-density, atol=0.51)


def test_stain_spread_zero_gives_one_stain():
    one, other = (draw_stain(np.random.default_rng(seed), 0.0).vectors for seed in (1, 2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, draw_stain(np.random.default_rng(1), 0.1).vectors)


def test_phantom_classes_differ_in_nuclei_more_than_in_colour(drawn):
    _, anatomy, (haematoxylin, eosin) = drawn
    stain = Stain(np.stack([HAEMATOXYLIN, EOSIN]), np.array([244.0, 244.0, 244.0]), 2.0)
    picture = render(haematoxylin, eosin, stain, np.random.default_rng(0))
    cells = 64 // anatomy.map_px
    count = SIDE // 64

    def share(field):
        return (
            field[: count * cells, : count * cells].reshape(count, cells, count, cells).mean((1, 3)).ravel()
        )

    patches = picture.reshape(count, 64, count, 64, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 64, 64, 3)
    lesion, tissue = share(anatomy.lesion), share(anatomy.tissue)
    normal = patches[(lesion == 0) & (tissue > 0.9)].mean((1, 2))
    tumor = patches[(lesion > 0.9) & (tissue > 0.9)].mean((1, 2))
    assert len(normal) > 100 and len(tumor) > 100
    pooled = np.sqrt((normal.var(0) + tumor.var(0)) / 2)
    assert (np.abs(normal.mean(0) - tumor.mean(0)) / pooled).max() < 0.8
