"""All fidelity metrics together: keys, floor, seeds, and the effect of each defect of a generator."""

import re

import numpy as np
import pydantic
import pytest

from pathgen.core.errors import PathgenError
from pathgen.metrics.fidelity.measure import METRICS, measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.provenance.code_hash import ROOT
from pathgen.results.fidelity_record import Fidelity

SETTINGS = {
    "extractor": "texture-v1",
    "seed": 5,
    "max_patches": 60,
    "n_subsets": 6,
    "confidence": 0.95,
    "neighbours_k": 3,
    "n_projections": 16,
}
NAMES = [metric.key.format(extractor="texture-v1") for metric in METRICS]


def tissue(seed: int, n: int, red: int = 150) -> np.ndarray:
    """Return blobs of varied size and strength on a uniform background."""
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


def measured(synthetic: dict[str, np.ndarray], **changed: object) -> Fidelity:
    settings = FidelitySettings.model_validate({**SETTINGS, **changed})
    return measure_fidelity(two_classes(0, 80), two_classes(10, 70), synthetic, settings)


@pytest.fixture(scope="module")
def honest() -> Fidelity:
    return measured(two_classes(20, 90))


def test_metrics_have_interval_and_floor_per_class_and_pooled(honest: Fidelity) -> None:
    expected = {
        f"fidelity/{label}/{name}{part}"
        for label in ("normal", "tumor", "all")
        for name in NAMES
        for part in ("", "/low", "/high", "/floor", "/floor_low", "/floor_high")
    }
    assert set(honest.metrics) == expected
    assert all(np.isfinite(value) for value in honest.metrics.values())
    assert honest.patches == {"normal": 60, "tumor": 60, "all": 120}
    for key in expected:
        if key.count("/") == 2:
            assert honest.metrics[f"{key}/low"] <= honest.metrics[key] <= honest.metrics[f"{key}/high"]


def test_intervals_of_unseen_originals_overlap_the_floor(honest: Fidelity) -> None:
    for label in ("normal", "tumor"):
        for name in NAMES:
            key = f"fidelity/{label}/{name}"
            low, high = honest.metrics[f"{key}/low"], honest.metrics[f"{key}/high"]
            floor_low, floor_high = honest.metrics[f"{key}/floor_low"], honest.metrics[f"{key}/floor_high"]
            assert low <= floor_high and floor_low <= high, key


def test_seed_determines_the_result(honest: Fidelity) -> None:
    assert measured(two_classes(20, 90)).as_json() == honest.as_json()
    other = measured(two_classes(20, 90), seed=6).metrics
    assert other["fidelity/all/frechet_texture-v1"] != honest.metrics["fidelity/all/frechet_texture-v1"]


BOARD = 12 * (np.indices((16, 16)).sum(0) % 2)[..., None]
DEFECTS = {
    "stain": (lambda x: x + 25, ["colour", "sliced_wasserstein"]),
    "blur": (
        lambda x: (x + np.roll(x, 1, 1) + np.roll(x, 1, 2)) // 3,
        ["spectrum_db", "frechet_texture-v1", "kernel_texture-v1"],
    ),
    "checkerboard": (lambda x: x + BOARD, ["spectrum_db", "frechet_texture-v1"]),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_moves_its_metrics_above_the_floor(name: str) -> None:
    defect, moved = DEFECTS[name]
    changed = {label: defect(images.astype(int)) for label, images in two_classes(20, 90).items()}
    metrics = measured({label: np.clip(x, 0, 255).astype(np.uint8) for label, x in changed.items()}).metrics
    for name in moved:
        key = f"fidelity/normal/{name}"
        assert metrics[f"{key}/low"] > metrics[f"{key}/floor_high"], key


def test_few_modes_lower_recall_and_coverage_only() -> None:
    few = {label: np.repeat(images[:9], 10, axis=0) for label, images in two_classes(20, 90).items()}
    metrics = measured(few).metrics
    for name in ("manifold_recall_texture-v1", "coverage_texture-v1"):
        key = f"fidelity/normal/{name}"
        assert metrics[f"{key}/high"] < metrics[f"{key}/floor_low"], key
    assert metrics["fidelity/normal/manifold_precision_texture-v1"] > 0.6


def test_swapped_classes_differ_per_class_but_not_pooled(honest: Fidelity) -> None:
    synthetic = two_classes(20, 90)
    report = measured({"normal": synthetic["tumor"], "tumor": synthetic["normal"][:50]})
    assert report.patches == {"normal": 60, "tumor": 50, "all": 100}, "those of the smallest set"
    swapped = report.metrics
    key = "fidelity/normal/colour"
    assert swapped[f"{key}/low"] > swapped[f"{key}/floor_high"]
    assert swapped["fidelity/all/colour"] == pytest.approx(honest.metrics["fidelity/all/colour"], abs=2)


def test_too_few_or_unequal_patches_are_rejected() -> None:
    with pytest.raises(PathgenError, match=r"synthetic .* tumor: 7"):
        measured({"normal": tissue(20, 40), "tumor": tissue(21, 7)})
    small = {"normal": tissue(20, 40)[:, :8, :8], "tumor": tissue(21, 40)}
    with pytest.raises(PathgenError, match=r"\(8, 8\), \(16, 16\)"):
        measured(small)


def test_metrics_page_states_which_value_is_better() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for metric in METRICS:
        key = metric.key.format(extractor="texture-v1")
        (row,) = re.findall(rf"^\| `fidelity/\{{label\}}/{key}` \|(.*)$", page, re.M)
        assert metric.better in row.split(" | ")[2]


def test_settings_inconsistent_values_are_rejected() -> None:
    FidelitySettings.model_validate(SETTINGS)
    for changed in ({"neighbours_k": 30}, {"extractor": "texture-v0"}):
        with pytest.raises(pydantic.ValidationError, match=next(iter(changed))):
            FidelitySettings.model_validate({**SETTINGS, **changed})
