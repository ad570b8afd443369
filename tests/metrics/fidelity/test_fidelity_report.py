"""All fidelity measures together: keys, floor, seeds, and what each fault of a generator moves."""

import numpy as np
import pydantic
import pytest

from pathgen.core.errors import PathgenError
from pathgen.metrics.fidelity.measure import FidelityReport, measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings

CHOSEN = {
    "extractor": "texture-v1",
    "seed": 5,
    "max_patches": 60,
    "n_subsets": 6,
    "confidence": 0.95,
    "neighbours_k": 3,
    "n_projections": 16,
}
MEASURES = {
    "frechet_texture-v1",
    "kernel_texture-v1",
    "manifold_precision_texture-v1",
    "manifold_recall_texture-v1",
    "density_texture-v1",
    "coverage_texture-v1",
    "sliced_wasserstein",
    "spectrum_db",
    "colour",
}


def tissue(seed: int, n: int, red: int = 150) -> np.ndarray:
    """Blobs of varied size and strength on an even ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:16, 0:16]
    images = np.full((n, 16, 16, 3), [red, 120, 170], float)
    for ground in images:
        for _ in range(rng.integers(1, 6)):
            cy, cx, radius = *rng.uniform(0, 16, 2), rng.uniform(1.5, 4)
            blob = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / radius**2)
            np.subtract(ground, rng.uniform(20, 70) * blob[..., None], out=ground)
    return np.clip(images + rng.normal(0, 6, images.shape), 0, 255).astype(np.uint8)


def two_classes(seed: int, n: int) -> dict[str, np.ndarray]:
    return {"normal": tissue(seed, n), "tumor": tissue(seed + 1, n, red=110)}


def measured(synthetic: dict[str, np.ndarray], **changed: object) -> FidelityReport:
    return measure_fidelity(two_classes(0, 80), two_classes(10, 70), synthetic, **{**CHOSEN, **changed})


@pytest.fixture(scope="module")
def honest() -> FidelityReport:
    return measured(two_classes(20, 90))


def test_every_measure_has_interval_and_floor_per_class_and_pooled(honest: FidelityReport) -> None:
    expected = {
        f"fidelity/{label}/{measure}{part}"
        for label in ("normal", "tumor", "all")
        for measure in MEASURES
        for part in ("", "/low", "/high", "/floor", "/floor_low", "/floor_high")
    }
    assert set(honest.metrics) == expected
    assert all(np.isfinite(value) for value in honest.metrics.values())
    assert honest.patches == {"normal": 60, "tumor": 60, "all": 120}
    for key in expected:
        if key.count("/") == 2:
            assert honest.metrics[f"{key}/low"] <= honest.metrics[key] <= honest.metrics[f"{key}/high"]


def test_fresh_originals_read_the_floor(honest: FidelityReport) -> None:
    for label in ("normal", "tumor"):
        for measure in MEASURES:
            key = f"fidelity/{label}/{measure}"
            low, high = honest.metrics[f"{key}/low"], honest.metrics[f"{key}/high"]
            floor_low, floor_high = honest.metrics[f"{key}/floor_low"], honest.metrics[f"{key}/floor_high"]
            assert low <= floor_high and floor_low <= high, key


def test_same_seed_same_report_other_seed_another(honest: FidelityReport) -> None:
    assert measured(two_classes(20, 90)).as_json() == honest.as_json()
    other = measured(two_classes(20, 90), seed=6).metrics
    assert other["fidelity/all/frechet_texture-v1"] != honest.metrics["fidelity/all/frechet_texture-v1"]


@pytest.mark.parametrize(
    ("fault", "moved"),
    [
        (lambda x: np.clip(x.astype(int) + 25, 0, 255).astype(np.uint8), ["colour", "sliced_wasserstein"]),
        (
            lambda x: ((x.astype(int) + np.roll(x, 1, 1) + np.roll(x, 1, 2)) // 3).astype(np.uint8),
            ["spectrum_db", "frechet_texture-v1", "kernel_texture-v1"],
        ),
        (
            lambda x: np.clip(
                x.astype(int) + 12 * (np.indices((16, 16)).sum(0) % 2)[..., None], 0, 255
            ).astype(np.uint8),
            ["spectrum_db", "frechet_texture-v1"],
        ),
    ],
    ids=["stain", "blur", "checkerboard"],
)
def test_each_fault_leaves_the_floor(fault: object, moved: list[str]) -> None:
    faulty = {label: fault(images) for label, images in two_classes(20, 90).items()}  # type: ignore[operator]
    metrics = measured(faulty).metrics
    for measure in moved:
        key = f"fidelity/normal/{measure}"
        assert metrics[f"{key}/low"] > metrics[f"{key}/floor_high"], key


def test_few_modes_lower_recall_and_coverage_not_precision() -> None:
    few = {label: np.repeat(images[:9], 10, axis=0) for label, images in two_classes(20, 90).items()}
    metrics = measured(few).metrics
    for measure in ("manifold_recall_texture-v1", "coverage_texture-v1"):
        key = f"fidelity/normal/{measure}"
        assert metrics[f"{key}/high"] < metrics[f"{key}/floor_low"], key
    assert metrics["fidelity/normal/manifold_precision_texture-v1"] > 0.6


def test_the_smallest_set_decides_the_size_of_all() -> None:
    synthetic = {"normal": tissue(20, 40), "tumor": tissue(21, 24)}
    report = measured(synthetic)
    assert report.patches == {"normal": 40, "tumor": 24, "all": 48}


def test_pooling_shows_swapped_classes(honest: FidelityReport) -> None:
    synthetic = two_classes(20, 90)
    swapped = measured({"normal": synthetic["tumor"], "tumor": synthetic["normal"]}).metrics
    key = "fidelity/normal/colour"
    assert swapped[f"{key}/low"] > swapped[f"{key}/floor_high"]
    assert swapped["fidelity/all/colour"] == pytest.approx(honest.metrics["fidelity/all/colour"], abs=2)


def test_too_few_or_unequal_patches_are_refused() -> None:
    with pytest.raises(PathgenError, match="synthetic patches of class tumor: 7 are too few"):
        measured({"normal": tissue(20, 40), "tumor": tissue(21, 7)})
    small = {"normal": tissue(20, 40)[:, :8, :8], "tumor": tissue(21, 40)}
    with pytest.raises(PathgenError, match=r"\(8, 8\), \(16, 16\)"):
        measured(small)


def test_settings_check_neighbours_against_halves() -> None:
    FidelitySettings.model_validate(CHOSEN)
    with pytest.raises(pydantic.ValidationError, match="neighbours_k"):
        FidelitySettings.model_validate({**CHOSEN, "neighbours_k": 30})
