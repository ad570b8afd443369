import colorsys

import numpy as np
import pytest
from factories.slide_cohort import index_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pathgen.wsi.morphology import closed, opened
from pathgen.wsi.tissue import TissueMask, find_tissue, otsu_threshold, saturation


def find(image: np.ndarray, coverage: np.ndarray | None = None, **changed: float) -> TissueMask:
    covered = np.ones(image.shape[:2], bool) if coverage is None else coverage
    settings = index_settings().tissue.model_copy(update=changed)
    return find_tissue(image, covered, (32.0, 32.0), 0.25, settings)


def glass(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(236, 246, (height, width, 3)).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)))
def test_saturation_equals_hsv(colour: tuple[int, int, int]) -> None:
    expected = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))[1] * 255
    assert abs(int(saturation(np.array([[colour]], np.uint8))[0, 0]) - expected) <= 0.5 + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_otsu_equals_the_best_of_all_thresholds(values: list[int]) -> None:
    data = np.array(values, np.uint8)

    def within(threshold: int) -> float:
        parts = [data[data <= threshold], data[data > threshold]]
        return sum(float(np.var(part)) * len(part) for part in parts if len(part))

    best = min(within(threshold) for threshold in range(256))
    assert within(otsu_threshold(data)) == pytest.approx(best, abs=1e-6)


def test_otsu_takes_the_middle_of_a_gap() -> None:
    assert otsu_threshold(np.array([10, 10, 110, 110], np.uint8)) == 60
    assert otsu_threshold(np.full(9, 77, np.uint8)) == 255


@pytest.mark.parametrize("colour", [(190, 90, 160), (230, 170, 200), (90, 60, 140), (210, 150, 120)])
def test_tissue_mask_finds_stained_tissue(colour: tuple[int, int, int]) -> None:
    image = glass(60, 80)
    image[20:40, 30:60] = colour
    expected = np.zeros((60, 80), bool)
    expected[20:40, 30:60] = True
    np.testing.assert_array_equal(find(image).mask, expected)


def test_tissue_mask_does_not_depend_on_hue() -> None:
    """Tissue of two hues at the two ends of the hue circle is found whole; grey shadow is not."""
    image = glass(40, 40)
    image[5:15, 5:15] = (220, 120, 125)
    image[5:15, 20:30] = (120, 110, 220)
    image[25:35, 5:15] = (170, 170, 172)
    found = find(image).mask
    assert found.sum() == 200
    assert not found[20:].any()


def test_tissue_mask_ignores_black_padding() -> None:
    image = glass(60, 80)
    image[20:40, 30:60] = (200, 140, 180)
    alone = find(image)
    noisy_black = np.random.default_rng(1).integers(0, 12, (60, 500, 3)).astype(np.uint8)
    found = find(np.concatenate([image, noisy_black], axis=1))
    np.testing.assert_array_equal(found.mask[:, :80], alone.mask)
    assert not found.mask[:, 80:].any()
    assert found.threshold == alone.threshold


def test_tissue_mask_of_an_empty_slide_is_empty() -> None:
    for shade in (0, 128, 255):
        assert not find(np.full((30, 30, 3), shade, np.uint8)).mask.any()
    assert not find(glass(50, 50)).mask.any()
    assert find(glass(50, 50), min_saturation=0.0).mask.any()


def test_tissue_closing_fills_no_padding_or_missing_tiles() -> None:
    image = glass(40, 40)
    image[10:30, 10:30] = (190, 90, 160)
    image[10:30, 15:17] = 0  # black
    image[10:30, 22:24] = 255  # missing
    coverage = np.ones((40, 40), bool)
    coverage[:, 22:24] = False
    found = find(image, coverage, closing_um=64.0).mask
    assert not found[:, 15:17].any()
    assert not found[:, 22:24].any()
    assert find(image, closing_um=64.0).mask[20, 22:24].all()


def test_tissue_opening_and_closing_are_in_microns() -> None:
    image = glass(60, 60)
    image[10:40, 10:40] = (190, 90, 160)
    image[20:22, 20:22] = 240  # gap of 16 um at 8 um per pixel
    image[50:52, 50:52] = (190, 90, 160)  # speck of 16 um
    assert find(image).mask[50, 50]
    assert not find(image, opening_um=32.0).mask[50, 50]
    assert not find(image, closing_um=0.0).mask[20, 20]
    repaired = find(image, opening_um=32.0, closing_um=32.0).mask
    assert repaired[20, 20]
    assert 860 <= repaired.sum() <= 900  # the square, but for its corners


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 50), diameter=st.floats(2, 9), height=st.integers(5, 25), width=st.integers(5, 25))
def test_opening_and_closing_equal_a_disc(seed: int, diameter: float, height: int, width: int) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 1.0) > 0
    reach = int(diameter / 2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = x**2 + y**2 <= (diameter / 2) ** 2
    eroded = ndimage.binary_erosion(mask, disc, border_value=1)
    np.testing.assert_array_equal(opened(mask, diameter), ndimage.binary_dilation(eroded, disc))
    dilated = ndimage.binary_dilation(mask, disc)
    np.testing.assert_array_equal(
        closed(mask, diameter), ndimage.binary_erosion(dilated, disc, border_value=1)
    )


@pytest.mark.parametrize("filled", [True, False])
def test_opening_and_closing_keep_uniform_masks(filled: bool) -> None:
    mask = np.full((9, 9), filled)
    np.testing.assert_array_equal(opened(mask, 5), mask)
    np.testing.assert_array_equal(closed(mask, 5), mask)
