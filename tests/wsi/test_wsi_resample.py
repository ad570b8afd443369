import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.wsi.resample import box_mean, shrink


@settings(max_examples=50, deadline=None)
@given(factor=st.integers(1, 6), out_px=st.integers(1, 7), seed=st.integers(0, 99))
def test_box_mean_is_the_rounded_mean_of_every_block(factor: int, out_px: int, seed: int) -> None:
    side = factor * out_px
    image = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    small = box_mean(image, out_px)
    assert small.shape == (out_px, out_px, 3)
    assert small.dtype == np.uint8
    for row in range(out_px):
        for column in range(out_px):
            block = image[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            for channel in range(3):
                total = sum(block[..., channel].ravel().tolist())
                assert small[row, column, channel] == (2 * total + factor**2) // (2 * factor**2)


def test_halves_round_up_and_white_stays_white() -> None:
    image = np.array([[[0] * 3, [1] * 3], [[0] * 3, [1] * 3]], np.uint8)
    assert box_mean(image, 1).tolist() == [[[1, 1, 1]]]
    assert box_mean(np.full((256, 256, 3), 255, np.uint8), 64).min() == 255


def test_other_factors_average_too() -> None:
    ramp = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 100, axis=0).repeat(3, axis=2)
    small = shrink(ramp, 64)
    assert small.shape == (64, 64, 3)
    middles = (np.arange(64) + 0.5) * 100 / 64 - 0.5
    assert np.abs(small[0, :, 0] - middles).max() <= 1.0
    noise = np.random.default_rng(0).integers(0, 256, (250, 250, 3), dtype=np.uint8)
    assert shrink(noise, 64).std() < noise.std() / 3  # a mean of about 15 values, not one of them


def test_a_patch_is_never_made_larger() -> None:
    with pytest.raises(AssertionError):
        shrink(np.zeros((32, 32, 3), np.uint8), 64)
