"""Correlation over translations against a plain loop, and the rank of copies among many patches."""

import io

import numpy as np
import pytest
import torch
from factories.privacy_sets import correlation, noise, privacy_settings, tissue
from PIL import Image

from pathgen.privacy.controls import rotate_each, shift_each, stain_each
from pathgen.privacy.d4_ncc import apply_symmetry, best_orientation, parity_parts, part_sizes
from pathgen.privacy.shift_ncc import magnitudes, nearest_shifted, shifted_correlations

SHIFTED = privacy_settings(max_shift_px=3, shift_shortlist=5)


def patches(seed: int, n: int) -> np.ndarray:
    return noise(seed, n, 9)


def naive_shifted(a: np.ndarray, b: np.ndarray, reach: int, positions: int) -> float:
    side, found = len(a), []
    for position in range(positions):
        x = apply_symmetry(a, position)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                mine = x[max(0, -dy) : side - max(0, dy), max(0, -dx) : side - max(0, dx)]
                other = b[max(0, dy) : side - max(0, -dy), max(0, dx) : side - max(0, -dx)]
                found.append(correlation(mine, other))
    return max(found)


@pytest.mark.parametrize("side", [5, 6, 16])
def test_best_orientation_equals_eight_products(side: int) -> None:
    rng = np.random.default_rng(side)
    a, b = (rng.normal(size=(n, side, side, 3)).astype(np.float32) for n in (5, 7))
    expected = [[max((apply_symmetry(x, g) * y).sum() for g in range(8)) for y in b] for x in a]
    rows = [torch.from_numpy(parity_parts(images)) for images in (a, b)]
    found = best_orientation(*rows, part_sizes(side, 3))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-4)
    assert rows[0].shape == (5, side * side * 3)


@pytest.mark.parametrize(("symmetries", "positions"), [("identity", 1), ("square", 8)])
def test_shifted_correlations_equal_the_loop(symmetries: str, positions: int) -> None:
    left, right = patches(0, 5), patches(1, 4)
    left[4] = 200  # no pattern
    pairs = np.array([(i, j) for i in range(5) for j in range(4)])
    found = shifted_correlations(left, right, pairs, privacy_settings(symmetries=symmetries, max_shift_px=2))
    expected = [naive_shifted(left[i], right[j], 2, positions) for i, j in pairs]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_nearest_shifted_with_all_pairs_equals_the_loop() -> None:
    left, right = patches(2, 6), patches(3, 5)
    table = np.array([[1 - naive_shifted(a, b, 1, 8) for b in right] for a in left])
    found = nearest_shifted(left, right, privacy_settings(max_shift_px=1, shift_shortlist=6))
    for nearest, distances in zip(found, (table, table.T), strict=True):
        np.testing.assert_array_equal(nearest.index[:, 0], distances.argmin(axis=1))
        np.testing.assert_allclose(nearest.distance[:, 0], distances.min(axis=1), atol=2e-6)


def test_magnitudes_rotate_and_are_invariant_to_translation() -> None:
    image = tissue(0, 1)
    for position in range(8):
        expected = apply_symmetry(magnitudes(image), position)
        np.testing.assert_allclose(magnitudes(apply_symmetry(image, position)), expected, atol=1e-5)
    others = magnitudes(np.concatenate([np.roll(image, (3, -2), (1, 2)), tissue(1, 50)]))
    similarity = (others * magnitudes(image)).sum(axis=(1, 2, 3))
    assert similarity[0] > 0.95 > similarity[1:].max() + 0.02


def compressed(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream))


def rank_of_copies(honest: np.ndarray, originals: np.ndarray, *, count: int) -> int:
    """Add changed copies to a set and return the worst rank of their pairs."""
    rng = np.random.default_rng(5)
    copied = originals[rng.choice(len(originals), count, replace=False)]
    changed = shift_each(rotate_each(copied, rng), 3, rng)
    synthetic = np.concatenate([honest, np.stack([compressed(image) for image in changed])])
    found, _ = nearest_shifted(synthetic, originals, SHIFTED)
    order = np.argsort(found.distance[:, 0], kind="stable")
    return int(np.flatnonzero(order >= len(honest)).max()) + 1


def test_nearest_shifted_copies_rank_first() -> None:
    assert rank_of_copies(tissue(10, 300), tissue(11, 200), count=5) <= 10


@pytest.mark.long
def test_nearest_shifted_copies_rank_first_among_ten_thousand() -> None:
    assert rank_of_copies(tissue(12, 10_000), tissue(13, 2_000), count=10) <= 10


def test_stain_each_keeps_the_pattern() -> None:
    images = tissue(20, 20)
    changed = stain_each(images, np.random.default_rng(0))
    assert (changed != images).any(axis=(1, 2, 3)).all()
    assert min(correlation(a, b) for a, b in zip(images, changed, strict=True)) > 0.98


def test_shift_each_moves_by_the_given_pixels() -> None:
    images = patches(21, 12)
    for moved, image in zip(shift_each(images, 2, np.random.default_rng(0)), images, strict=True):
        places = [(2, 2), (2, -2), (-2, 2), (-2, -2)]
        assert any((np.roll(image, at, (0, 1))[3:6, 3:6] == moved[3:6, 3:6]).all() for at in places)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_nearest_shifted_on_gpu_equals_cpu() -> None:
    left, right = tissue(30, 60), tissue(31, 50)
    for here, there in zip(
        nearest_shifted(left, right, SHIFTED),
        nearest_shifted(left, right, SHIFTED, "cuda"),
        strict=True,
    ):
        np.testing.assert_allclose(there.distance, here.distance, atol=5e-6)
