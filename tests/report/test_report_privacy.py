"""Summary of an audit: strongest attacks, controls, scores, and the bound of differential privacy."""

import pytest
from factories.audits import audit, class_audit, control
from factories.training import HEALTHY, guarantee

from pathgen.report.metric_table import metric_rows
from pathgen.report.privacy_section import PrivacySection, Strength, certainty
from pathgen.results.audit_record import LEAKAGE, PASSED, MemorisationScore, worst
from pathgen.results.training_record import DpGuarantee, GeneratorMeta
from pathgen.webpage.rendering import template


def test_strongest_attack_is_taken_per_class() -> None:
    section = PrivacySection({1: audit(normal=class_audit(0.6))}, {})
    assert section.auc["normal"] == Strength(0.6, 0.63, 0.5)
    assert section.auc["tumor"] == Strength(0.56, pytest.approx(0.59), 0.5)  # type: ignore[arg-type]
    # The variant at a stricter rate does not count.
    assert section.tpr["normal"].value == 0.04
    assert section.tests == 10
    assert PrivacySection({1: audit(), 2: audit()}, {}).tests == 20


def test_worst_audit_of_the_replicates_is_shown() -> None:
    weak, strong = audit(), audit(normal=class_audit(0.6))
    assert worst({1: weak, 2: strong, 3: weak}) == 2
    section = PrivacySection({1: strong, 2: audit("refused"), 3: audit(LEAKAGE)}, {})
    assert (section.shown, section.audit.verdict) == (3, LEAKAGE)
    assert PrivacySection({1: audit(PASSED), 2: audit("refused")}, {}).shown == 2


def test_shadow_attack_on_copies_is_read_per_class() -> None:
    section = PrivacySection({1: audit(metrics={"privacy/tumor/shadow_on_copies_auc": 0.58})}, {})
    assert section.shadow_on_copies == [0.58]


def score(value: float) -> MemorisationScore:
    return MemorisationScore(
        question="Made up?",
        value=value,
        low=None,
        high=None,
        expected=0.0,
        on_copies=-6.9,
        on_shrunken_variety=-13.99,
    )


@pytest.mark.parametrize(("value", "copying"), [(-12.2, ["normal"]), (-2.9, [])])
def test_scores_are_ordered_and_c_t_calls_copying(value: float, copying: list[str]) -> None:
    names = ["data_copying", "closest_distance_ratio", "made_up", "distance_ratio"]
    described = class_audit(descriptions={name: score(value) for name in names})
    section = PrivacySection({1: audit(normal=described)}, {})
    assert section.scores == ["distance_ratio", "closest_distance_ratio", "data_copying", "made_up"]
    assert section.called_copying == copying


def test_failed_controls_are_counted() -> None:
    failed = class_audit(
        verdict="refused",
        controls=(control("copies", "positive", (), as_expected=False), control("fresh", "negative", ())),
    )
    section = PrivacySection({1: audit("refused", failed)}, {})
    assert section.controls_as_expected == [False, True, True, True]
    assert list(section.controls["copies"]) == ["normal", "tumor"]
    assert list(section.explained) == ["normal"]


def test_metric_parts_are_grouped_in_any_order() -> None:
    metrics = {"privacy/tumor/x/low": 2.0, "privacy/tumor/x": 2.5, "privacy/tumor/x/floor": 1.0}
    metrics |= {"privacy/tumor/x/high": 3.0, "privacy/tumor/x/floor_low": 0.5, "privacy/tumor/y": 7}
    first, second = metric_rows({**metrics, "privacy/tumor/x/floor_high": 1.5})
    assert (first.name, first.value, first.ends) == ("tumour, x", 2.5, "2 to 3")
    assert first.reference_text == "1 (0.5 to 1.5)"
    assert (second.name, second.ends, second.reference_text) == ("tumour, y", "", "")
    (wide,) = metric_rows({"privacy/tumor/z": 0.5, "privacy/tumor/z/low": 0.0, "privacy/tumor/z/high": 1.0})
    assert wide.ends == "interval too wide"


@pytest.mark.parametrize(
    ("epsilon", "certain"),
    [(0.0, "50 %"), (1.0, "74 %"), (5.0, "99.4 %"), (10.0, "99.996 %"), (40.0, "almost 100 %")],
)
def test_certainty_never_rounds_to_100(epsilon: float, certain: str) -> None:
    assert certainty(epsilon) == certain


_CONDITIONS = {
    *("not proof of privacy", "at most 74 %", "at most 96 %", "many patches", "secret_file"),
    *("Such a large epsilon", "stays secret", "a given patient", "add up (3)"),
}


@pytest.mark.parametrize(
    ("normal", "tumor", "words"),
    [
        (None, None, {"not proof of privacy"}),
        (guarantee(), guarantee(None), {"not proof of privacy"}),
        (guarantee(), guarantee(2.997), {"at most 74 %", "at most 96 %", "many patches", "secret_file"}),
        (
            guarantee(9.99, secret=True),
            guarantee(secret=True),
            {"at most 74 %", "many patches", "Such a large epsilon", "stays secret"},
        ),
        (
            guarantee(1.0, "patient"),
            guarantee(2.0, "patient"),
            {"at most 74 %", "a given patient", "add up (3)", "secret_file"},
        ),
    ],
)
def test_guarantee_is_stated_with_its_conditions(
    normal: DpGuarantee | None, tumor: DpGuarantee | None, words: set[str]
) -> None:
    models = {
        label: GeneratorMeta(privacy=one, health=HEALTHY)
        for label, one in {"normal": normal, "tumor": tumor}.items()
    }
    section = PrivacySection({1: audit()}, models)
    say = template("report/sentences.j2").module
    text = say.dp_guarantee("dpdcgan", section.guarantees, certainty)  # type: ignore[attr-defined]
    assert {word for word in _CONDITIONS if word in text} == words
