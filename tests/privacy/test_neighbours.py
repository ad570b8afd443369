"""Nearest neighbours against plain loops."""

import numpy as np
import pytest
import torch
from factories.privacy_sets import correlation, rms

from pathgen.privacy import neighbours
from pathgen.privacy.d4_ncc import apply_symmetry
from pathgen.privacy.neighbours import PixelMeasure, nearest_both_ways


def patches(seed: int, n: int, side: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ground = rng.integers(40, 200, (n, 1, 1, 3))
    return np.clip(ground + rng.normal(0, 25, (n, side, side, 3)), 0, 255).astype(np.uint8)


def orientations(image: np.ndarray) -> list[np.ndarray]:
    mirrored = image.transpose(1, 0, 2)
    return [np.rot90(form, turns) for form in (image, mirrored) for turns in range(4)]


def naive_distance(a: np.ndarray, b: np.ndarray, measure: str) -> float:
    if measure == "l2":
        return rms(a, b)
    if measure == "ncc":
        return 1 - correlation(a, b)
    return 1 - max(correlation(form, b) for form in orientations(a))


@pytest.mark.parametrize("measure", ["l2", "ncc", "ncc-square"])
@pytest.mark.parametrize("chunk", [4, 2048])
@pytest.mark.parametrize("k", [1, 3])
def test_neighbours_equal_the_loop(
    measure: PixelMeasure, chunk: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    left, right = patches(0, 11), patches(1, 9)
    expected = np.array([[naive_distance(a, b, measure) for b in right] for a in left])
    from_left, from_right = nearest_both_ways(left, right, measure=measure, k=k)
    for found, table in ((from_left, expected), (from_right, expected.T)):
        np.testing.assert_array_equal(found.index, table.argsort(axis=1)[:, :k])
        np.testing.assert_allclose(found.distance, np.sort(table, axis=1)[:, :k], atol=2e-6)


def test_neighbours_of_vectors_equal_the_loop() -> None:
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=(11, 6)), rng.normal(size=(9, 6))
    table = np.array([[rms(a, b) for b in right] for a in left])
    for found, distances in zip(
        nearest_both_ways(left, right, measure="l2", k=2), (table, table.T), strict=True
    ):
        np.testing.assert_array_equal(found.index, distances.argsort(axis=1)[:, :2])
        np.testing.assert_allclose(found.distance, np.sort(distances, axis=1)[:, :2])


def test_neighbours_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", 4)
    left, right = patches(4, 23), patches(13, 31)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(nearest_both_ways(left, right, measure="ncc-square", k=2))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.index, other.index)
        np.testing.assert_array_equal(one.distance, other.distance)


def test_apply_symmetry_gives_the_eight_symmetries() -> None:
    image = patches(4, 1)
    forms = [apply_symmetry(image, symmetry) for symmetry in range(8)]
    assert len({form.tobytes() for form in forms}) == 8
    assert {form[0].tobytes() for form in forms} == {form.tobytes() for form in orientations(image[0])}


def test_neighbours_rotated_copy_needs_orientations() -> None:
    originals = patches(5, 20)
    copies = np.stack([apply_symmetry(image, 1 + i % 7) for i, image in enumerate(originals)])
    square, _ = nearest_both_ways(copies, originals, measure="ncc-square", k=1)
    np.testing.assert_array_equal(square.index[:, 0], np.arange(20))
    np.testing.assert_allclose(square.distance, 0, atol=2e-6)
    plain, _ = nearest_both_ways(copies, originals, measure="ncc", k=1)
    assert np.median(plain.distance) > 0.2


def test_neighbours_copy_of_a_bright_patch_has_distance_zero() -> None:
    """In single precision the distance would be some grey levels."""
    rng = np.random.default_rng(6)
    originals = np.clip(250 + rng.normal(0, 2, (30, 64, 64, 3)), 0, 255).astype(np.uint8)
    found, back = nearest_both_ways(originals[:10], originals, measure="l2", k=1)
    np.testing.assert_array_equal(found.index[:, 0], np.arange(10))
    assert (found.distance == 0).all() and (back.distance[:10] == 0).all()


def test_neighbours_uniform_patch_has_correlation_zero() -> None:
    even = np.full((1, 6, 6, 3), 243, np.uint8)
    for measure in ("ncc", "ncc-square"):
        found, back = nearest_both_ways(even, np.concatenate([patches(7, 3), even]), measure=measure, k=1)
        np.testing.assert_array_equal(found.distance, 1)
        np.testing.assert_array_equal(back.distance, 1)


def test_neighbours_ncc_is_invariant_to_brightness_and_contrast() -> None:
    original = patches(8, 1)
    paler = (original * 0.5 + 100).astype(np.uint8)
    found, _ = nearest_both_ways(paler, np.concatenate([patches(9, 5), original]), measure="ncc", k=1)
    assert found.index[0, 0] == 5 and found.distance[0, 0] < 0.01


def test_neighbours_ties_rank_by_row() -> None:
    one = patches(10, 1)
    found, _ = nearest_both_ways(
        np.concatenate([one, one]), np.concatenate([one, one, one]), measure="l2", k=2
    )
    np.testing.assert_array_equal(found.index, [[0, 1], [0, 1]])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("measure", ["l2", "ncc-square"])
def test_neighbours_on_gpu_equal_cpu(measure: PixelMeasure) -> None:
    left, right = patches(11, 300, 16), patches(12, 200, 16)
    here, back = nearest_both_ways(left, right, measure=measure, k=2)
    there, there_back = nearest_both_ways(left, right, measure=measure, k=2, device="cuda")
    np.testing.assert_allclose(there.distance, here.distance, atol=2e-6)
    np.testing.assert_allclose(there_back.distance, back.distance, atol=2e-6)
