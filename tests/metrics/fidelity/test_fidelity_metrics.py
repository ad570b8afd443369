"""Single fidelity metrics against naive implementations, closed forms and their claims."""

import numpy as np
import pytest
import scipy.stats
from factories.privacy_sets import noise
from hypothesis import given, settings
from hypothesis import strategies as st

from pathgen.metrics.features import EXTRACTORS
from pathgen.metrics.features.texture_v1 import texture_v1, texture_v1_raw
from pathgen.metrics.fidelity import manifold_coverage, manifold_density, manifold_precision, manifold_recall
from pathgen.metrics.fidelity.colour import colour_distance, colour_histograms
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.metrics.fidelity.kernel import kernel_distance
from pathgen.metrics.fidelity.metric import FeaturePair
from pathgen.metrics.fidelity.sliced_wasserstein import (
    laplacian_pyramid,
    project_neighbourhoods,
    sliced_wasserstein,
)
from pathgen.metrics.fidelity.spectrum import spectrum_distance_db
from pathgen.metrics.power_spectrum import radial_power


def vectors(seed: int, n: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)


def test_frechet_of_commuting_gaussians_equals_the_closed_form() -> None:
    corners = np.array([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0]]) * np.sqrt(0.75)  # covariance I
    a, b = corners * [2, 1, 0] + [3, 0, 0], corners * [1, 3, 0]  # singular: the third feature is constant
    assert frechet_distance(a, b) == pytest.approx(9 + (2 - 1) ** 2 + (1 - 3) ** 2)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_frechet_is_zero_on_itself_and_symmetric(seed: int) -> None:
    a, b = vectors(seed, 20, 4), vectors(seed + 1, 30, 4)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-7)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def naive_manifold(original: np.ndarray, synthetic: np.ndarray, k: int) -> tuple[float, float, float, float]:
    def radius(points: np.ndarray, i: int) -> float:
        return sorted(np.linalg.norm(points[i] - points[j]) for j in range(len(points)) if j != i)[k - 1]

    real_radii = [radius(original, i) for i in range(len(original))]
    fake_radii = [radius(synthetic, j) for j in range(len(synthetic))]
    distance = [[np.linalg.norm(x - y) for y in synthetic] for x in original]
    n, m = range(len(original)), range(len(synthetic))
    inside = [[distance[i][j] <= real_radii[i] for j in m] for i in n]
    return (
        float(np.mean([any(inside[i][j] for i in n) for j in m])),
        float(np.mean([any(distance[i][j] <= fake_radii[j] for j in m) for i in n])),
        sum(inside[i][j] for i in n for j in m) / (k * len(m)),
        float(np.mean([any(inside[i][j] for j in m) for i in n])),
    )


def overlap(original: np.ndarray, synthetic: np.ndarray, k: int = 5) -> tuple[float, float, float, float]:
    """Return precision, recall, density and coverage."""
    pair = FeaturePair({"features": original}, {"features": synthetic}, k)
    modules = (manifold_precision, manifold_recall, manifold_density, manifold_coverage)
    return tuple(each.METRIC.value(pair) for each in modules)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_manifold_metrics_equal_the_loops(k: int) -> None:
    original = np.random.default_rng(5).standard_normal((25, 3))
    synthetic = np.random.default_rng(6).standard_normal((18, 3)) * 0.8 + 0.3
    assert overlap(original, synthetic, k) == pytest.approx(naive_manifold(original, synthetic, k))


def test_radial_power_of_a_wave_is_in_its_ring() -> None:
    x = np.arange(32)
    wave = 128 + 60 * np.cos(2 * np.pi * x * 10 / 32)  # 10 / 32 cycles per pixel: ring 4 of 8
    images = np.broadcast_to(wave[None, None, :, None], (1, 32, 32, 3)).astype(np.uint8)
    power = radial_power(images, 8)[0]
    assert power.argmax() == 4
    transposed = radial_power(images.transpose(0, 2, 1, 3), 8)[0]
    np.testing.assert_allclose(power, transposed, atol=1e-9)


def test_radial_power_of_noise_equals_its_variance() -> None:
    images = noise(10, 200, 32)
    density = -np.log((images + 1.0) / 256).mean(axis=3)
    power = 10 ** radial_power(images, 8)
    np.testing.assert_allclose(power.mean(axis=0)[1:], density.var(axis=(1, 2)).mean(), rtol=0.1)
    np.testing.assert_array_equal(radial_power(np.full((1, 32, 32, 3), 90, np.uint8), 8), -6.0)


def test_spectrum_distance_of_tenfold_power_is_ten_decibels() -> None:
    spectra = np.random.default_rng(11).standard_normal((6, 8))
    assert spectrum_distance_db(spectra, spectra + 1) == pytest.approx(10)


def test_colour_distance_equals_scipy_and_a_uniform_shift() -> None:
    a, b = noise(12, 3, 16) // 2, noise(13, 5, 16)
    expected = np.mean(
        [scipy.stats.wasserstein_distance(a[..., c].ravel(), b[..., c].ravel()) for c in range(3)]
    )
    assert colour_distance(colour_histograms(a), colour_histograms(b)) == pytest.approx(expected)
    assert colour_distance(colour_histograms(a), colour_histograms(a + 7)) == pytest.approx(7)


def test_colour_histograms_are_per_image() -> None:
    images = noise(14, 4, 16)
    counted = [[np.bincount(image[..., c].ravel(), minlength=256) for c in range(3)] for image in images]
    np.testing.assert_allclose(colour_histograms(images), np.array(counted) / 256)


def test_laplacian_pyramid_adds_up_to_the_image() -> None:
    images = noise(15, 2, 64)
    fine, middle, rest = laplacian_pyramid(images)
    assert [scale.shape[1] for scale in (fine, middle, rest)] == [64, 32, 16]
    raised = middle + rest.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(fine + raised.repeat(2, axis=1).repeat(2, axis=2), images, atol=1e-3)


def test_projections_are_of_neighbourhoods_of_the_image() -> None:
    images = noise(16, 3, 16)  # one scale only
    picked = np.zeros((147, 1), np.float32)
    picked[(3 * 7 + 3) * 3 + 1] = 1  # the green value in the middle of a neighbourhood
    projected = project_neighbourhoods(
        images, picked, np.full((1, 3), 2.0, np.float32), np.random.default_rng(0)
    )
    for i in range(3):
        assert set(projected[i, 0, :, 0] * 2) <= set(images[i, 3:-3, 3:-3, 1].ravel().astype(float))


def test_sliced_wasserstein_equals_scipy() -> None:
    rng = np.random.default_rng(17)
    a, b = rng.standard_normal((2, 5, 2, 8, 3)).astype(np.float32)
    pairs = [(a[:, s, :, p].ravel(), b[:, s, :, p].ravel()) for s in range(2) for p in range(3)]
    expected = np.mean([scipy.stats.wasserstein_distance(*pair) for pair in pairs])
    assert sliced_wasserstein(a, b) == pytest.approx(expected, rel=1e-5)


def test_texture_v1_is_per_patch_and_finite() -> None:
    images = np.concatenate([noise(22, 5, 32), np.full((1, 32, 32, 3), 255, np.uint8)])
    alone = np.concatenate([texture_v1(image[None]) for image in images])
    assert alone.shape == (6, 38) and np.isfinite(alone).all()
    np.testing.assert_allclose(texture_v1(images), alone, atol=1e-9)


def test_texture_v1_rotation_changes_directions_only() -> None:
    images = noise(24, 3, 32)
    for block in (slice(17, 24), slice(24, 28), slice(28, 38)):
        np.testing.assert_allclose(texture_v1_raw(images)[:, block].sum(axis=1), 1)
    raw, rotated = texture_v1_raw(images), texture_v1_raw(np.rot90(images, axes=(1, 2)))
    others = np.r_[0:24, 28:38]
    np.testing.assert_allclose(raw[:, others], rotated[:, others], atol=1e-9)
    np.testing.assert_allclose(raw[:, [24, 26]], rotated[:, [26, 24]], atol=1e-9)


def test_texture_v1_binary_patterns_equal_the_loop() -> None:
    image = noise(25, 1, 16)
    grey = image[0].astype(int).sum(axis=2)
    counts = np.zeros(10)
    ring = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for y in range(1, 15):
        for x in range(1, 15):
            bits = [int(grey[y + dy, x + dx] >= grey[y, x]) for dy, dx in ring]
            changes = sum(bits[i] != bits[i - 1] for i in range(8))
            counts[sum(bits) if changes <= 2 else 9] += 1
    np.testing.assert_allclose(texture_v1_raw(image)[0, 28:], counts / 14**2)


def test_texture_v1_values_never_change() -> None:
    """Changed numbers need a new name. These are the features of one fixed image."""
    y, x = np.mgrid[0:32, 0:32]
    image = np.stack([(7 * x + 3 * y) % 256, (x * y) % 256, (5 * y) % 256], axis=-1).astype(np.uint8)[None]
    found = EXTRACTORS["texture-v1"](image)[0]
    assert found[[0, 4, 8, 10, 20, 25, 37]] == pytest.approx(FROZEN, abs=1e-6)


FROZEN = [1.9048574, 3.3449405, 8.2706018, 0.3407549, 0.6308244, 5.0093863, -3.3830846]


def test_kernel_distance_is_unbiased() -> None:
    rng = np.random.default_rng(4)
    values = [kernel_distance(*rng.standard_normal((2, 10, 4))) for _ in range(2000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_manifold_noise_lowers_precision_and_density() -> None:
    rng = np.random.default_rng(8)
    precision, _, density, _ = overlap(rng.standard_normal((200, 6)), 10 * rng.standard_normal((200, 6)))
    assert precision < 0.1 and density < 0.1


def test_manifold_density_of_equal_distributions_is_one() -> None:
    rng = np.random.default_rng(9)
    densities = [overlap(*rng.standard_normal((2, 80, 4)))[2] for _ in range(40)]
    assert np.mean(densities) == pytest.approx(1, abs=0.06)
