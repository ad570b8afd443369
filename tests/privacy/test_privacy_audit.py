"""The whole audit: an honest generator passes, a copying one is caught, a broken comparison is refused."""

import json
from collections.abc import Iterator

import numpy as np
import pydantic
import pytest
import torch

from pathgen.core.errors import PathgenError
from pathgen.privacy.attacks import QUESTIONS
from pathgen.privacy.audit import PrivacyReport, measure_privacy
from pathgen.privacy.class_audit import LabelAudit, audit, compare, known_sets
from pathgen.privacy.d4_ncc import turned
from pathgen.privacy.settings import PrivacySettings
from pathgen.webpage.pictures import svg_of

CHOSEN = {
    "seed": 3,
    "confidence": 0.95,
    "significance": 0.01,
    "max_originals": 200,
    "max_synthetic": 500,
    "symmetries": "square",
    "max_shift_px": 0,
    "shift_shortlist": 2,
    "copy_share": 0.05,
    "n_permutations": 5999,
    "shadow_steps": 0,
    "gallery_pairs": 4,
    "exposed_patches": 5,
}
N, N_SYNTHETIC, SIDE = 100, 300, 16


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny products gain nothing from threads, and lose much beside other tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def scenes(seed: int, n: int, *, slide_shift: float = 0.0) -> np.ndarray:
    """Random smooth fields of uneven contrast: some lie near the mean and attract many neighbours."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    images = np.full((n, SIDE, SIDE, 3), 140.0 + slide_shift)
    strength = rng.lognormal(0, 0.6, (n, 1, 1, 3))
    for a in range(4):
        for b in range(4):
            wave = (np.cos(np.pi * a * y) * np.cos(np.pi * b * x))[None, :, :, None]
            images += strength * rng.normal(0, 18 / (1 + a + b), (n, 1, 1, 3)) * wave
    return np.clip(images + rng.normal(0, 4, images.shape), 0, 255).astype(np.uint8)


def audited(synthetic: np.ndarray, base: int = 0, **changed: object) -> PrivacyReport:
    populations = [{"tumor": scenes(1000 * base + role, N)} for role in range(3)]
    discriminators = changed.pop("discriminators", {})
    return measure_privacy(
        *populations, {"tumor": synthetic}, discriminators=discriminators, **{**CHOSEN, **changed}
    )


def verdict_on(synthetic: np.ndarray, base: int) -> LabelAudit:
    """Audit one class without its pictures."""
    originals = [scenes(1000 * base + role, N) for role in range(3)]
    comparison = compare(
        *originals,
        synthetic,
        learnt_from=originals[0],
        symmetries="square",
        max_shift_px=0,
        shift_shortlist=1,
        seed=base,
        label="tumor",
        device="cpu",
    )
    return audit(
        comparison,
        known_sets(comparison, copy_share=0.05, seed=base, label="tumor"),
        level=0.01,
        confidence=0.95,
        n_permutations=5999,
        seed=base,
        label="tumor",
    )


def with_copies(base: int, share: float, *, turn: bool = False) -> np.ndarray:
    rng = np.random.default_rng(base)
    synthetic = scenes(1000 * base + 3, N_SYNTHETIC)
    members = scenes(1000 * base, N)[rng.integers(0, N, round(share * N_SYNTHETIC))]
    if turn:
        members = np.stack([turned(image, int(rng.integers(1, 8))) for image in members])
    synthetic[: len(members)] = members
    return synthetic


def poor(base: int) -> np.ndarray:
    """A generator that copies nothing but makes everything near the mean."""
    fresh = scenes(1000 * base + 4, N_SYNTHETIC)
    return ((fresh.astype(int) + 2 * fresh.mean(axis=0)) / 3).astype(np.uint8)


def repetitive(base: int) -> np.ndarray:
    """A generator that makes the same 12 fresh pictures over and over."""
    return np.repeat(scenes(1000 * base + 5, 12), N_SYNTHETIC // 12, axis=0)


@pytest.fixture(scope="module")
def honest() -> PrivacyReport:
    return audited(scenes(3, N_SYNTHETIC))


@pytest.fixture(scope="module")
def leaking() -> PrivacyReport:
    return audited(with_copies(0, 0.05), max_shift_px=1)


def test_honest_generators_pass_and_controls_behave() -> None:
    makers = {"honest": lambda b: scenes(1000 * b + 3, N_SYNTHETIC), "poor": poor, "repetitive": repetitive}
    verdicts = {
        (name, base): verdict_on(make(base), base) for name, make in makers.items() for base in range(1, 6)
    }
    passed = [audit.verdict == "no leakage found by these tests" for audit in verdicts.values()]
    assert sum(passed) >= 14, [(k, v.text) for k, v in verdicts.items() if v.verdict[0] != "n"]
    # Not only at the level: no test leans to one side.
    p_values = [f.p_value for k, v in verdicts.items() if k[0] == "honest" for f in v.findings.values()]
    assert 0.35 < np.mean(p_values) < 0.75


@pytest.mark.parametrize("turn", [False, True], ids=["as they are", "turned"])
def test_five_per_cent_of_copies_are_always_caught(turn: bool) -> None:
    for base in range(1, 3):
        found = verdict_on(with_copies(base, 0.05, turn=turn), base)
        assert found.verdict == "leakage found", found.text


def test_a_copying_generator_is_told_in_words(leaking: PrivacyReport) -> None:
    text = leaking.labels["tumor"].text
    assert leaking.verdict == "leakage found"
    assert QUESTIONS["ganleaks_ncc_strict_tpr"] + " Yes (" in text
    assert "proves that it is anonymous" in leaking.as_json()["caveat"]
    moved = next(c for c in leaking.labels["tumor"].controls if c.name == "few moved copies")
    assert moved.as_expected and moved.what.endswith("each turned or mirrored and moved by 1 px")
    assert leaking.metrics["privacy/tumor/close_ncc/low"] > 0.5
    above, unseen = (
        leaking.metrics[f"privacy/tumor/above_q999_{side}"] for side in ("members", "nonmembers")
    )
    assert above > 0.04 > unseen


def test_holdout_of_other_slides_is_refused_though_the_generator_is_honest() -> None:
    members, reference = scenes(0, N), scenes(2, N)
    other_slides = scenes(1, N, slide_shift=25)
    report = measure_privacy(
        {"tumor": members},
        {"tumor": other_slides},
        {"tumor": reference},
        {"tumor": scenes(3, N_SYNTHETIC)},
        discriminators={},
        **CHOSEN,
    )
    assert report.verdict == "refused"
    assert "fresh" not in report.labels["tumor"].verdict
    assert "A control failed: original patches of the same slides" in report.labels["tumor"].text


def test_too_few_copies_to_see_is_refused_not_passed() -> None:
    report = audited(scenes(3, N_SYNTHETIC), copy_share=0.002)
    assert report.verdict == "refused"
    assert "copies of training patches hidden in the synthetic set" in report.labels["tumor"].text
    failed = [c.name for c in report.labels["tumor"].controls if not c.as_expected]
    assert failed == ["few copies", "few restained copies", "few moved copies"]


def test_without_turns_the_text_says_so() -> None:
    report = audited(with_copies(0, 0.05, turn=True), symmetries="identity", max_shift_px=0)
    text, controls = report.labels["tumor"].text, report.labels["tumor"].controls
    assert "Turned or mirrored copies were not looked for." in text
    assert "Copies moved by some pixels were not looked for." in text
    assert "few moved copies" not in {control.name for control in controls}
    # They are found nevertheless, by features that do not see turns; correlation alone does not see them.
    tests = report.labels["tumor"].adjusted
    assert tests["ganleaks_features_strict_tpr"] < 0.05 < tests["ganleaks_ncc_strict_tpr"]


def test_controls_are_listed_with_what_they_are(honest: PrivacyReport) -> None:
    controls = {control.name: control for control in honest.labels["tumor"].controls}
    assert [c.kind for c in controls.values()] == ["positive"] * 5 + ["negative"] * 3
    assert len(controls["copies"].found_by) > 0.8 * len(QUESTIONS)
    assert "ganleaks_ncc_tpr" in controls["few moved copies"].found_by
    assert "ganleaks_l2_tpr" not in controls["few moved copies"].found_by
    assert controls["few moved copies"].what.endswith("each turned or mirrored")
    assert controls["few copies"].what.startswith("16 copies")  # 16 of 316: 5 %
    assert controls["learnt by heart"].what.startswith("drawings of a small network that learnt 100 of the")
    assert len(controls["learnt by heart"].found_by) > 0.3 * len(QUESTIONS)


def test_the_report_is_plain_and_complete(honest: PrivacyReport) -> None:
    plain = json.loads(json.dumps(honest.as_json(), allow_nan=False))
    tests = plain["labels"]["tumor"]["tests"]
    assert set(tests) == set(QUESTIONS)
    for name in QUESTIONS:
        for part in ("/expected", "/p_value", "/p_adjusted"):
            assert f"privacy/tumor/{name}{part}" in honest.metrics
        value, low = tests[name]["value"], tests[name]["low"]
        assert (f"privacy/tumor/{name}" in honest.metrics) == (value is not None)
        assert value is None or low <= value <= tests[name]["high"]
    assert plain["labels"]["tumor"]["patches"] == {
        "train": N,
        "nonmember": N,
        "reference": N,
        "synthetic": N_SYNTHETIC,
    }


def test_same_seed_same_report(honest: PrivacyReport) -> None:
    again = audited(scenes(3, N_SYNTHETIC))
    assert again.as_json() == honest.as_json()
    for name, picture in honest.pictures.items():
        np.testing.assert_array_equal(picture, again.pictures[name])
    for name, plot in honest.plots.items():
        assert svg_of(plot) == svg_of(again.plots[name])
    assert audited(scenes(3, N_SYNTHETIC), seed=4).metrics != honest.metrics


def test_the_gallery_shows_a_planted_turned_copy_first() -> None:
    synthetic = scenes(3, N_SYNTHETIC)
    members = scenes(0, N)
    synthetic[77] = turned(members[31], 6)
    gallery = audited(synthetic).pictures["gallery-tumor"]
    scale = 96 // SIDE
    shown = gallery[:96, :96][::scale, ::scale]
    np.testing.assert_array_equal(shown, synthetic[77])
    np.testing.assert_array_equal(gallery[:96, 98 : 98 + 96][::scale, ::scale], synthetic[77])
    assert gallery.shape == (4 * 98 - 2, 3 * 98 - 2, 3)


def test_pictures_are_pictures(honest: PrivacyReport) -> None:
    assert set(honest.pictures) == {"gallery-tumor", "correlation-tumor"}
    assert set(honest.plots) == {"correlation-tumor"}
    for picture in honest.pictures.values():
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.std() > 5


def test_a_leaking_discriminator_is_reported_apart(honest: PrivacyReport) -> None:
    members = {image.tobytes() for image in scenes(0, N)}

    def remembers(images: np.ndarray) -> np.ndarray:
        return np.array([float(image.tobytes() in members) for image in images])

    report = audited(scenes(3, N_SYNTHETIC), discriminators={"tumor": remembers})
    assert report.verdict == honest.verdict == "no leakage found by these tests"
    assert report.metrics["privacy/tumor/discriminator_auc"] == 1.0
    assert report.metrics["privacy/tumor/discriminator_tpr/p_value"] < 1e-6
    assert not any("discriminator" in key for key in honest.metrics)


def test_the_worst_class_decides() -> None:
    populations = [{"normal": scenes(role, N), "tumor": scenes(role + 10, N)} for role in range(3)]
    synthetic = {"normal": scenes(3, N_SYNTHETIC), "tumor": scenes(10, N)[np.arange(300) % N]}
    report = measure_privacy(*populations, synthetic, discriminators={}, **CHOSEN)
    assert report.labels["normal"].verdict == "no leakage found by these tests"
    assert report.verdict == report.labels["tumor"].verdict == "leakage found"
    assert report.labels["normal"].level == 0.005


def test_sizes_are_made_equal() -> None:
    report = measure_privacy(
        {"tumor": scenes(0, 300)},
        {"tumor": scenes(1, 90)},
        {"tumor": scenes(2, 150)},
        {"tumor": scenes(3, 700)},
        discriminators={},
        **CHOSEN,
    )
    assert report.labels["tumor"].patches == {
        "train": 90,
        "nonmember": 90,
        "reference": 90,
        "synthetic": 500,
    }


def test_untested_training_patches_weaken_the_controls_too() -> None:
    """Only one in ten planted copies is of a tested patch, as it would be of real copies."""
    report = measure_privacy(
        {"tumor": scenes(0, 1000)},
        {"tumor": scenes(1, N)},
        {"tumor": scenes(2, N)},
        {"tumor": scenes(3, N_SYNTHETIC)},
        discriminators={},
        **{**CHOSEN, "seed": 5},
    )
    audited_class = report.labels["tumor"]
    assert "compared with 100 of the 1000 training patches" in audited_class.text
    assert report.verdict == "refused"
    failed = {control.name for control in audited_class.controls if not control.as_expected}
    assert {"few copies", "few restained copies", "few moved copies"} <= failed


def test_too_few_or_unequal_patches_are_refused() -> None:
    with pytest.raises(PathgenError, match="synthetic patches of class tumor: 12 are too few"):
        audited(scenes(3, 12))
    with pytest.raises(PathgenError, match=r"differ in size: .* synthetic \(4, 4, 3\)"):
        audited(scenes(3, 50)[:, :4, :4])


def test_settings_want_enough_permutations() -> None:
    PrivacySettings.model_validate(CHOSEN)
    with pytest.raises(pydantic.ValidationError, match="n_permutations"):
        PrivacySettings.model_validate({**CHOSEN, "n_permutations": 999})
    with pytest.raises(pydantic.ValidationError, match="symmetries"):
        PrivacySettings.model_validate({**CHOSEN, "symmetries": "all"})
