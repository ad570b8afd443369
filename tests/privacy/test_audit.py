"""The whole audit: an honest generator passes, copying is detected, an invalid comparison is refused."""

import json
from collections.abc import Iterator

import numpy as np
import pydantic
import pytest
import torch
from factories.privacy_sets import pairs_of, privacy_settings, scenes

from pathgen.core.errors import PathgenError
from pathgen.privacy.attack_family import QUESTIONS
from pathgen.privacy.audit import AuditReport, audit, class_audit
from pathgen.privacy.audit_figures import closest_pairs
from pathgen.privacy.d4_ncc import apply_symmetry
from pathgen.results.audit_record import LEAKAGE, PASSED, REFUSED, Audit, ClassAudit
from pathgen.webpage.pictures import svg_of

N, N_SYNTHETIC, SIDE = 100, 300, 16


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Use one thread, because small products are slower with several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def audited(synthetic: np.ndarray, base: int = 0, **changed: object) -> AuditReport:
    populations = [{"tumor": scenes(1000 * base + role, N)} for role in range(3)]
    discriminators = changed.pop("discriminators", None)
    return audit(
        *populations, {"tumor": synthetic}, privacy_settings(**changed), discriminators=discriminators
    )


def of_class(report: AuditReport) -> ClassAudit:
    return report.record.labels["tumor"]


def audited_class(synthetic: np.ndarray, base: int) -> ClassAudit:
    """Audit one class without its pictures."""
    members, nonmembers, reference = (scenes(1000 * base + role, N) for role in range(3))
    settings = privacy_settings(seed=base, shift_shortlist=1)
    pairs = pairs_of(members, nonmembers, reference, synthetic, settings)
    return class_audit(pairs, 0.01)


def with_copies(base: int, share: float, *, rotate: bool = False) -> np.ndarray:
    rng = np.random.default_rng(base)
    synthetic = scenes(1000 * base + 3, N_SYNTHETIC)
    members = scenes(1000 * base, N)[rng.integers(0, N, round(share * N_SYNTHETIC))]
    if rotate:
        members = np.stack([apply_symmetry(image, int(rng.integers(1, 8))) for image in members])
    synthetic[: len(members)] = members
    return synthetic


def poor(base: int) -> np.ndarray:
    """Return samples of a generator of little variety that copies nothing."""
    fresh = scenes(1000 * base + 4, N_SYNTHETIC)
    return ((fresh.astype(int) + 2 * fresh.mean(axis=0)) / 3).astype(np.uint8)


def repetitive(base: int) -> np.ndarray:
    """Return samples of a generator that repeats 12 unseen images."""
    return np.repeat(scenes(1000 * base + 5, 12), N_SYNTHETIC // 12, axis=0)


def memorising(images: np.ndarray) -> np.ndarray:
    """Return the scores of a discriminator that has memorised the members."""
    members = {image.tobytes() for image in scenes(0, N)}
    return np.array([float(image.tobytes() in members) for image in images])


@pytest.fixture(scope="module")
def honest() -> AuditReport:
    return audited(scenes(3, N_SYNTHETIC), discriminators={"tumor": memorising})


@pytest.fixture(scope="module")
def leaking() -> AuditReport:
    return audited(with_copies(0, 0.05), max_shift_px=1)


def test_audit_honest_generators_pass() -> None:
    honest = [audited_class(scenes(1000 * base + 3, N_SYNTHETIC), base) for base in range(1, 6)]
    others = [audited_class(make(base), base) for make in (poor, repetitive) for base in range(1, 4)]
    assert sum(done.verdict == PASSED for done in [*honest, *others]) >= 10
    # The p-values are also unbiased.
    assert 0.35 < np.mean([test.p_value for done in honest for test in done.tests.values()]) < 0.75


def test_audit_five_per_cent_of_rotated_copies_are_detected() -> None:
    for base in range(1, 3):
        assert audited_class(with_copies(base, 0.05, rotate=True), base).verdict == LEAKAGE


def test_audit_leaking_set_is_explained(leaking: AuditReport) -> None:
    done = of_class(leaking)
    assert leaking.record.verdict == done.verdict == LEAKAGE
    found = [name for name, test in done.tests.items() if test.found]
    assert "ganleaks_ncc_strict_tpr" in found
    assert all(QUESTIONS[name] in done.text for name in found)
    assert {c.name: c.as_expected for c in done.controls}["few moved copies"]
    metrics = leaking.record.metrics
    assert metrics["privacy/tumor/close_ncc/low"] > 0.5
    assert metrics["privacy/tumor/above_q999_members"] > 0.04 > metrics["privacy/tumor/above_q999_nonmembers"]


def test_audit_nonmembers_of_other_slides_are_refused() -> None:
    report = audit(
        {"tumor": scenes(0, N)},
        {"tumor": scenes(1, N, slide_shift=25)},
        {"tumor": scenes(2, N)},
        {"tumor": scenes(3, N_SYNTHETIC)},
        privacy_settings(),
    )
    assert report.record.verdict == REFUSED
    failed = [control for control in of_class(report).controls if not control.as_expected]
    assert "fresh originals" in [control.name for control in failed]
    assert all(control.what in of_class(report).text for control in failed)


def test_audit_undetectable_copies_are_refused() -> None:
    report = audited(scenes(3, N_SYNTHETIC), copy_share=0.002)
    assert report.record.verdict == REFUSED
    failed = [control.name for control in of_class(report).controls if not control.as_expected]
    assert failed == ["few copies", "few restained copies", "few moved copies"]


def test_audit_without_orientations_states_the_limit(leaking: AuditReport) -> None:
    limited = of_class(audited(with_copies(0, 0.05, rotate=True), symmetries="identity"))
    complete = of_class(leaking)
    assert len(limited.controls) == len(complete.controls) - 1
    limits = limited.text.split(". ")[-2:]
    assert not any(limit in complete.text for limit in limits)
    # Features that are invariant to rotation still detect the copies; correlation alone does not.
    tests = {name: test.p_adjusted for name, test in limited.tests.items()}
    assert tests["ganleaks_features_strict_tpr"] < 0.05 < tests["ganleaks_ncc_strict_tpr"]


def test_audit_controls_are_complete(honest: AuditReport) -> None:
    controls = {control.name: control for control in of_class(honest).controls}
    assert [control.kind for control in controls.values()] == ["positive"] * 5 + ["negative"] * 3
    assert len(controls["copies"].found_by) > 0.8 * len(QUESTIONS)
    assert "ganleaks_ncc_tpr" in controls["few moved copies"].found_by
    assert "ganleaks_l2_tpr" not in controls["few moved copies"].found_by
    assert "16 copies" in controls["few copies"].what  # 16 of 316 are 5 %
    assert len(controls["memorised"].found_by) > 0.3 * len(QUESTIONS)


def test_audit_record_is_complete(honest: AuditReport) -> None:
    plain = json.loads(json.dumps(honest.record.as_json(), allow_nan=False))
    assert Audit.model_validate(plain).as_json() == honest.record.as_json()
    tests, metrics = plain["labels"]["tumor"]["tests"], plain["metrics"]
    assert set(tests) == set(QUESTIONS)
    for name in QUESTIONS:
        for part in ("/expected", "/p_value", "/p_adjusted"):
            assert f"privacy/tumor/{name}{part}" in metrics
        value, low = tests[name]["value"], tests[name]["low"]
        assert (f"privacy/tumor/{name}" in metrics) == (value is not None)
        assert value is None or low <= value <= tests[name]["high"]


def test_audit_seed_determines_the_result(honest: AuditReport) -> None:
    again = audited(scenes(3, N_SYNTHETIC), discriminators={"tumor": memorising})
    other = audited(scenes(3, N_SYNTHETIC), seed=4)
    assert again.record == honest.record and other.record.metrics != honest.record.metrics
    assert set(honest.pictures) == {"gallery-tumor", "correlation-tumor"}
    for name, picture in honest.pictures.items():
        np.testing.assert_array_equal(picture, again.pictures[name])
        assert picture.dtype == np.uint8 and picture.std() > 5
    assert list(honest.plots) == ["correlation-tumor"]
    assert svg_of(honest.plots["correlation-tumor"]) == svg_of(again.plots["correlation-tumor"])


def test_closest_pairs_rotated_copy_is_at_the_top() -> None:
    members, nonmembers, reference, synthetic = (scenes(role, 40) for role in range(4))
    synthetic[17] = apply_symmetry(members[31], 6)
    pairs = pairs_of(members, nonmembers, reference, synthetic, privacy_settings())
    gallery, scale = closest_pairs(pairs), 96 // SIDE
    np.testing.assert_array_equal(gallery[:96, :96][::scale, ::scale], synthetic[17])
    np.testing.assert_array_equal(gallery[:96, 98 : 98 + 96][::scale, ::scale], synthetic[17])


def test_audit_leaking_discriminator_does_not_change_the_verdict(
    honest: AuditReport, leaking: AuditReport
) -> None:
    assert honest.record.verdict == PASSED
    assert honest.record.metrics["privacy/tumor/discriminator_auc"] == 1.0
    assert honest.record.metrics["privacy/tumor/discriminator_tpr/p_value"] < 1e-6
    assert not any("discriminator" in key for key in leaking.record.metrics)


def test_audit_verdict_is_that_of_the_worst_class() -> None:
    populations = [{"normal": scenes(role, N), "tumor": scenes(role + 10, N)} for role in range(3)]
    synthetic = {"normal": scenes(3, N_SYNTHETIC), "tumor": scenes(10, N)[np.arange(300) % N]}
    record = audit(*populations, synthetic, privacy_settings()).record
    assert record.labels["normal"].verdict == PASSED
    assert record.verdict == record.labels["tumor"].verdict == LEAKAGE
    assert record.labels["normal"].level == 0.005


def test_audit_few_tested_training_patches_weaken_the_controls() -> None:
    """Only one in ten copies is of a tested patch, as it would be with real copies."""
    sets = [{"tumor": scenes(role, n)} for role, n in enumerate((1000, N, N + 20, N_SYNTHETIC))]
    report = audit(*sets, privacy_settings(seed=5, max_synthetic=N_SYNTHETIC - 1))
    assert report.record.verdict == REFUSED
    patches = {"train": N, "nonmember": N, "reference": N, "synthetic": N_SYNTHETIC - 1}
    assert of_class(report).patches == patches, "the original sets are reduced to one size"
    failed = {control.name for control in of_class(report).controls if not control.as_expected}
    assert {"few copies", "few restained copies", "few moved copies"} <= failed


def test_audit_too_few_or_unequal_patches_are_rejected() -> None:
    with pytest.raises(PathgenError, match=r"synthetic .* tumor: 12"):
        audited(scenes(3, 12))
    with pytest.raises(PathgenError, match=r"\(4, 4\), \(16, 16\)"):
        audited(scenes(3, 50)[:, :4, :4])


def test_settings_invalid_values_are_rejected() -> None:
    for changed in ({"n_permutations": 999}, {"symmetries": "all"}):
        with pytest.raises(pydantic.ValidationError, match=next(iter(changed))):
            privacy_settings(**changed)
