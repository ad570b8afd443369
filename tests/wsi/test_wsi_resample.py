import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.wsi.resample import shrink


@settings(max_examples=60, deadline=None)
@given(
    out_px=st.integers(1, 9),
    factor=st.integers(1, 6),
    more=st.integers(0, 30) | st.just(0),
    seed=st.integers(0, 99),
)
def test_shrink_equals_the_mean_over_its_area(out_px: int, factor: int, more: int, seed: int) -> None:
    side = out_px * factor + more
    image = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    # Repeated out_px times, every pixel lies within one output pixel.
    fine = image.repeat(out_px, axis=0).repeat(out_px, axis=1).astype(int)
    sums = fine.reshape(out_px, side, out_px, side, 3).sum(axis=(1, 3))
    expected = (2 * sums + side**2) // (2 * side**2)
    small = shrink(image, out_px)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, expected)


@pytest.mark.parametrize("factor", [2, 3, 12, 16, 17, 24, 64])
def test_shrink_of_large_blocks_does_not_overflow(factor: int) -> None:
    """16 x 16 is the largest block whose sum fits into 16 bits."""
    assert shrink(np.full((2 * factor, 2 * factor, 3), 255, np.uint8), 2).min() == 255


def test_shrink_enlargement_is_refused() -> None:
    with pytest.raises(AssertionError):
        shrink(np.zeros((32, 32, 3), np.uint8), 64)
