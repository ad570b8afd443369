import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.wsi.geometry import finest_reduction, grid_positions, length_l0

sides = st.integers(1, 300)


@settings(max_examples=50, deadline=None)
@given(width=sides, height=sides, size=st.integers(1, 80), stride=st.integers(1, 80))
def test_grid_equals_a_loop(width: int, height: int, size: int, stride: int) -> None:
    naive = [
        (x, y)
        for y in range(0, height, stride)
        for x in range(0, width, stride)
        if x + size <= width and y + size <= height
    ]
    positions = grid_positions(width, height, size, stride)
    assert positions.dtype == np.int64
    assert positions.shape == (len(naive), 2)
    assert [tuple(corner) for corner in positions.tolist()] == naive


def test_grid_of_a_large_slide_does_not_overflow() -> None:
    positions = grid_positions(250_000, 250_000, 256, 256)
    assert positions[-1].tolist() == [249_600, 249_600]


@pytest.mark.parametrize(
    ("slide_mpp", "side"),
    [(0.226, 256), (0.25, 256), (0.275, 256), (0.499, 128), (1.0, 64), (0.125, 512)],
)
def test_length_within_tolerance_is_in_pixels_else_in_microns(slide_mpp: float, side: int) -> None:
    assert length_l0(256, 0.25, slide_mpp, 0.1000001) == side


@settings(max_examples=50, deadline=None)
@given(
    length=st.integers(1, 4096),
    mpp=st.floats(0.1, 4),
    slide_mpp=st.floats(0.1, 4),
    tolerance=st.floats(0, 0.3),
)
def test_length_is_kept_in_pixels_or_microns(
    length: int, mpp: float, slide_mpp: float, tolerance: float
) -> None:
    found = length_l0(length, mpp, slide_mpp, tolerance)
    assert found >= 1
    if abs(slide_mpp / mpp - 1) <= tolerance:
        assert found == length
    elif found > 1:
        assert abs(found * slide_mpp - length * mpp) <= slide_mpp / 2 * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(st.floats(1.1, 5), max_size=6), wanted=st.floats(1, 1000))
def test_thumbnail_is_never_coarser_than_requested(steps: list[float], wanted: float) -> None:
    downsamples = tuple(np.cumprod([1.0, *steps]).tolist())
    level, factor = finest_reduction(downsamples, wanted)
    made = downsamples[level] * factor
    assert made <= wanted * (1 + 1e-5)
    assert downsamples[level] * (factor + 1) > wanted
    assert level == len(downsamples) - 1 or downsamples[level + 1] > wanted


def test_downsample_rounded_is_corrected() -> None:
    assert finest_reduction((1.0, 4.0, 32.0000001), 32.0) == (2, 1)
    assert finest_reduction((1.0, 10.6666668), 32.0) == (1, 3)
