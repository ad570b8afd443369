"""Correlation through translations against a plain loop; a planted copy comes to the top of the gallery."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pathgen.privacy.d4_ncc import best_position, part_slices, parted, turned
from pathgen.privacy.perturbed_copies import restained_each, shifted_each, turned_each
from pathgen.privacy.shift_ncc import magnitudes, nearest_shifted, shifted_correlations


def patches(seed: int, n: int, side: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def tissue(seed: int, n: int, side: int = 32) -> np.ndarray:
    """Dark blobs on pink: like nuclei in that many patches look alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side]
    images = np.broadcast_to(np.array([215.0, 160.0, 195.0]), (n, side, side, 3)).copy()
    images += rng.normal(0, 12, (n, 1, 1, 3))
    for _ in range(12):
        row, column, size = rng.uniform(0, side, n), rng.uniform(0, side, n), rng.uniform(1.5, 3.5, n)
        squared = (y - row[:, None, None]) ** 2 + (x - column[:, None, None]) ** 2
        blob = np.exp(-squared / (2 * size[:, None, None] ** 2))[..., None]
        images += blob * (np.array([95.0, 60.0, 140.0]) - images) * 0.9
    return np.clip(images + rng.normal(0, 5, images.shape), 0, 255).astype(np.uint8)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    p, q = a.astype(float) - a.mean(), b.astype(float) - b.mean()
    norm = np.linalg.norm(p) * np.linalg.norm(q)
    return float((p * q).sum() / norm) if norm else 0.0


def naive_shifted(a: np.ndarray, b: np.ndarray, reach: int, positions: int) -> float:
    side, found = len(a), []
    for position in range(positions):
        x = turned(a, position)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                mine = x[max(0, -dy) : side - max(0, dy), max(0, -dx) : side - max(0, dx)]
                other = b[max(0, dy) : side - max(0, -dy), max(0, dx) : side - max(0, -dx)]
                found.append(correlation(mine, other))
    return max(found)


@pytest.mark.parametrize("side", [5, 6, 16])
def test_the_best_position_equals_eight_products(side: int) -> None:
    rng = np.random.default_rng(side)
    a, b = (rng.normal(size=(n, side, side, 3)).astype(np.float32) for n in (5, 7))
    expected = [[max((turned(x, g) * y).sum() for g in range(8)) for y in b] for x in a]
    rows = [torch.from_numpy(parted(images)) for images in (a, b)]
    found = best_position(*rows, part_slices(side, 3))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-4)
    assert rows[0].shape == (5, side * side * 3)


@pytest.mark.parametrize(("symmetries", "positions"), [("identity", 1), ("square", 8)])
def test_shifted_correlation_equals_the_loop(symmetries: str, positions: int) -> None:
    left, right = patches(0, 5), patches(1, 4)
    left[4] = 200  # no pattern
    pairs = np.array([(i, j) for i in range(5) for j in range(4)])
    found = shifted_correlations(left, right, pairs, symmetries=symmetries, max_shift_px=2, device="cpu")
    expected = [naive_shifted(left[i], right[j], 2, positions) for i, j in pairs]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_with_every_pair_on_the_shortlist_neighbours_equal_the_loop() -> None:
    left, right = patches(2, 6), patches(3, 5)
    table = np.array([[1 - naive_shifted(a, b, 1, 8) for b in right] for a in left])
    found = nearest_shifted(left, right, symmetries="square", max_shift_px=1, shortlist=6)
    for nearest, distances in zip(found, (table, table.T), strict=True):
        np.testing.assert_array_equal(nearest.index[:, 0], distances.argmin(axis=1))
        np.testing.assert_allclose(nearest.distance[:, 0], distances.min(axis=1), atol=2e-6)


def test_magnitudes_turn_with_the_patch_and_do_not_see_where_it_lies() -> None:
    image = tissue(0, 1)
    for position in range(8):
        expected = turned(magnitudes(image), position)
        np.testing.assert_allclose(magnitudes(turned(image, position)), expected, atol=1e-5)
    others = magnitudes(np.concatenate([np.roll(image, (3, -2), (1, 2)), tissue(1, 50)]))
    alike = (others * magnitudes(image)).sum(axis=(1, 2, 3))
    assert alike[0] > 0.95 > alike[1:].max() + 0.02


def compressed(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream))


def rank_of_planted(honest: np.ndarray, originals: np.ndarray, *, count: int) -> int:
    """Plant copies, one at a time for the reader, all at once here; return the worst rank of their pairs."""
    rng = np.random.default_rng(5)
    copied = originals[rng.choice(len(originals), count, replace=False)]
    changed = shifted_each(turned_each(copied, rng), 3, rng)
    synthetic = np.concatenate([honest, np.stack([compressed(image) for image in changed])])
    found, _ = nearest_shifted(synthetic, originals, symmetries="square", max_shift_px=3, shortlist=5)
    order = np.argsort(found.distance[:, 0], kind="stable")
    return int(np.flatnonzero(order >= len(honest)).max()) + 1


def test_a_planted_copy_is_in_the_top_of_the_gallery() -> None:
    assert rank_of_planted(tissue(10, 300), tissue(11, 200), count=5) <= 10


@pytest.mark.long
def test_planted_copies_among_ten_thousand_are_in_the_top_ten() -> None:
    assert rank_of_planted(tissue(12, 10_000), tissue(13, 2_000), count=10) <= 10


def test_restained_copies_stay_the_same_tissue() -> None:
    images = tissue(20, 20)
    changed = restained_each(images, np.random.default_rng(0))
    assert (changed != images).any(axis=(1, 2, 3)).all()
    assert min(correlation(a, b) for a, b in zip(images, changed, strict=True)) > 0.98


def test_moved_copies_are_where_they_are_said_to_be() -> None:
    images = patches(21, 12)
    for moved, image in zip(shifted_each(images, 2, np.random.default_rng(0)), images, strict=True):
        places = [(2, 2), (2, -2), (-2, 2), (-2, -2)]
        assert any((np.roll(image, at, (0, 1))[3:6, 3:6] == moved[3:6, 3:6]).all() for at in places)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_finds_the_same_through_shifts() -> None:
    left, right = tissue(30, 60), tissue(31, 50)
    chosen = {"symmetries": "square", "max_shift_px": 3, "shortlist": 5}
    for here, there in zip(
        nearest_shifted(left, right, **chosen),
        nearest_shifted(left, right, **chosen, device="cuda"),
        strict=True,
    ):
        np.testing.assert_allclose(there.distance, here.distance, atol=5e-6)
