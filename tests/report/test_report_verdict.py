"""The first screen and the summary: outcomes, colours, failed trainings, and what settles an open answer."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from factories.audits import audit, class_audit, control
from factories.runs import comparison, run
from factories.study import report_on
from factories.verdicts import UNITS

from pathgen.core import layout
from pathgen.report.front import worst_first
from pathgen.report.metric_table import metric_rows
from pathgen.report.plots import fidelity_picture, pooled_reliability, strip_picture, training_strips
from pathgen.report.read_results import Run
from pathgen.report.result_table import result_rows
from pathgen.report.verdict_cards import Card, Tone, verdict_cards
from pathgen.results.audit_record import Audit
from pathgen.results.comparison_record import Comparison
from pathgen.results.fidelity_record import MetricInfo
from pathgen.results.health_record import ClassifierHealth
from pathgen.results.verdict_record import (
    AddedAnswer,
    AloneAnswer,
    ControlAnswer,
    GeneratorVerdict,
    Needed,
    PrivacyAnswer,
    Verdict,
)


def with_accuracy(failed: tuple[str, ...] = ()) -> Comparison:
    """Return a comparison of both regimes with the original one, whose mean accuracy is 0.9."""
    content = comparison("mixed-dcgan", "synthetic-dcgan").as_json()
    content["regimes"][0]["metrics"] = {"accuracy": {"mean": 0.9}}
    content["regimes"][2]["not_converged"] = failed
    return Comparison.model_validate(content)


def cards_of(
    *, audits: tuple[Audit, ...] = (), failed: tuple[str, ...] = (), **changes: Any
) -> dict[str, Card]:
    fields: dict[str, Any] = {"alone": None, "added": None, "private": None, "obstacles": ()}
    one = GeneratorVerdict(
        **{"generator": "dcgan", "classifier": "cnn6", "not_converged": failed} | fields | changes
    )
    verdict = Verdict(
        demonstration=False, margin=0.05, confidence=0.95, unit="slide", headline={}, generators=(one,)
    )
    return verdict_cards(verdict, one, with_accuracy(failed), audits)


def alone(outcome: str, **changes: Any) -> AloneAnswer:
    return AloneAnswer(**{"outcome": outcome, "difference": -0.2, "low": -0.3, "high": -0.1} | changes)


@pytest.mark.parametrize(
    ("outcome", "tone"), [("adequate", "good"), ("inadequate", "bad"), ("inconclusive", "open")]
)
def test_card_has_a_word_and_the_numbers(outcome: str, tone: Tone) -> None:
    card = cards_of(alone=alone(outcome))["alone"]
    assert (card.outcome, card.tone, card.warning) == (outcome.capitalize(), tone, "")
    assert "70.0% accuracy; with original patches 90.0%" in card.text
    assert "−20.0 points (95% CI −30.0 to −10.0); accepted loss 5 points" in card.text


@pytest.mark.parametrize(("outcome", "tone"), [("helps", "good"), ("no harm", "caution"), ("harms", "bad")])
def test_no_harm_is_not_shown_as_a_gain(outcome: str, tone: Tone) -> None:
    card = cards_of(added=AddedAnswer(outcome=outcome, difference=-0.01, low=-0.03, high=0.01))["added"]  # type: ignore[arg-type]
    assert card.tone == tone and ("No gain shown." in card.text) is (outcome == "no harm")


def test_unasked_question_is_not_measured() -> None:
    cards = cards_of()
    assert [card.outcome for card in cards.values()] == ["Not measured"] * 3 + ["Ready"]


@pytest.mark.parametrize(
    ("needed", "words"),
    [
        (
            Needed(distance=0.1, alone={"test": 14, "generators": 6, "seeds": None}, factor=2.0),
            "14 test slides (now 8), or 6 generator trainings (now 2), or 2.0 times as many of each",
        ),
        (
            Needed(distance=0.1, alone={"test": None, "seeds": None}, factor=2.5),
            "2.5 times as many of each",
        ),
        (Needed(distance=0.1, alone={"test": None}, factor=None), "No feasible study"),
    ],
)
def test_open_answer_names_what_would_settle_it(needed: Needed, words: str) -> None:
    answer = AddedAnswer(
        outcome="inconclusive", difference=-0.02, low=-0.1, high=0.06, needed=needed, units=UNITS
    )
    assert words in cards_of(added=answer)["added"].settle
    assert cards_of(alone=alone("inconclusive", low=None, high=None))["alone"].settle == ""


def test_failed_control_explains_why_the_answers_are_refused() -> None:
    noise = ControlAnswer(
        **{"control": "control-noise", "expected": "inadequate", "outcome": "adequate"},
        **{"difference": -0.01, "low": -0.03, "high": 0.01},
    )
    card = cards_of(alone=alone("refused"), controls=(noise,))["alone"]
    assert (card.outcome, card.tone) == ("Refused", "bad")
    warning = "Control failed: “noise in the mean colours of originals” is adequate, but must be inadequate."
    assert card.warning == warning
    right = noise.model_copy(update={"outcome": "inadequate"})
    assert cards_of(alone=alone("adequate"), controls=(right,))["alone"].warning == ""


def test_failed_training_is_named_with_the_difference_without_it() -> None:
    card = cards_of(alone=alone("inadequate", without_failed=-0.147), failed=("synthetic-dcgan-cnn6-3",))
    assert card["alone"].warning == "1 training did not converge; without it −14.7 points."
    every = cards_of(alone=alone("inadequate"), failed=("a", "b"))["alone"].warning
    assert every == "2 trainings did not converge; without them no difference can be given."
    faults = cards_of(alone=alone("inadequate"), generator_faults={"dcgan/1/tumor": "low variety"})
    assert faults["alone"].warning == "1 generator training did not converge."


@pytest.mark.parametrize(
    ("outcome", "epsilon", "tone", "words"),
    [
        ("no leak detected", None, "caution", "Not a proof."),
        ("no leak detected", 3.0, "good", "Guarantee: epsilon 3."),
        ("leak detected", None, "bad", "ROC-AUC 0.71"),
        ("audit refused", None, "bad", "0 of 1 audit control as expected."),
    ],
)
def test_privacy_is_never_green_without_a_guarantee(
    outcome: str, epsilon: float | None, tone: Tone, words: str
) -> None:
    answer = PrivacyAnswer(outcome=outcome, auc=0.71, low=0.6, high=0.8, epsilon=epsilon, secret=True)  # type: ignore[arg-type]
    wrong = class_audit(controls=(control("copies", "positive", (), as_expected=False),))
    found = Audit.model_validate(audit().as_json() | {"labels": {"tumor": wrong.as_json()}})
    card = cards_of(private=answer, audits=(found,))["private"]
    assert (card.tone, card.outcome) == (tone, outcome.capitalize()) and words in card.text
    assert ("above chance" in card.text) is (outcome != "audit refused")


def test_release_card_lists_all_obstacles() -> None:
    card = cards_of(obstacles=("leak detected", "training not converged"))["release"]
    assert (card.outcome, card.tone) == ("Not ready", "bad")
    assert card.text == "Leak detected; training not converged."


def trained(seed: int, accuracy: float, *, converged: bool = True, **tables: Any) -> Run:
    made = run("synthetic", seed, accuracy=accuracy)
    health = ClassifierHealth(converged=converged, training_seed=seed)
    return Run(made.key, made.metrics, made.confusion, health, **tables)


def test_strip_keeps_failed_trainings_apart() -> None:
    rows = result_rows([trained(1, 0.8), trained(2, 0.5, converged=False)], comparison())
    (strip,) = training_strips(rows, {"synthetic-dcgan": "synthetic"})
    assert (strip.name, strip.values, strip.failed, strip.mean) == ("synthetic", [0.8], [0.5], 0.65)
    alt = strip_picture([strip], 0.6, "Accuracy.").alt
    assert alt == "Accuracy. synthetic: 80.0%, 50.0% (did not converge). Mean colour: 60.0%."


def test_reliability_is_pooled_by_bin_and_weighted() -> None:
    tables = [
        pd.DataFrame({"low": [0.0, 0.5], "n": [10, 30], "mean_score": [0.2, 0.8], "tumor_share": [0.1, 0.9]}),
        pd.DataFrame({"low": [0.5], "n": [10], "mean_score": [0.6], "tumor_share": [0.5]}),
    ]
    runs = [trained(seed, 0.8, reliability=table) for seed, table in enumerate(tables)]
    (row,) = result_rows(runs, comparison())
    pooled = pooled_reliability(row)
    assert pooled is not None
    assert pooled.to_numpy().ravel().tolist() == pytest.approx([0.2, 0.1, 0.75, 0.8])
    (bare,) = result_rows([run("synthetic", 1)], comparison())
    assert pooled_reliability(bare) is None


@pytest.mark.parametrize(("better", "distance"), [("lower", 4.0), ("higher", -4.0), ("floor", 4.0)])
def test_distance_from_the_floor_is_positive_where_worse(better: str, distance: float) -> None:
    parts = {"": 5.0, "/low": 4.5, "/high": 5.5, "/floor": 1.0, "/floor_low": 0.0, "/floor_high": 2.0}
    metrics = {f"fidelity/tumor/x{part}": value for part, value in parts.items()}
    about = {"x": MetricInfo(description="made up", better=better)}  # type: ignore[arg-type]
    rows = metric_rows(metrics, about)
    assert rows[0].distance == distance
    (picture,) = fidelity_picture(rows, "dcgan")
    assert f"x, tumor: {distance:.1f}" in picture.alt
    assert metric_rows(metrics)[0].distance is None and fidelity_picture(metric_rows(metrics), "dcgan") == []


def test_generators_are_shown_the_worst_audit_first() -> None:
    audits = {"a": {1: audit(), 2: audit("leakage found")}, "b": {1: audit()}, "c": {1: audit("refused")}}
    assert worst_first(audits) == ["a", "c", "b"]


def test_summary_has_two_pages(report: Path) -> None:
    content = (report / "summary.pdf").read_bytes()
    assert content.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b(?!s)", content)) == 2
    assert b"CreationDate" not in content and len(content) < 2_000_000


def test_page_tables_other_generators_and_marks_a_failed_control(study: Path, tmp_path: Path) -> None:
    root = tmp_path / "study"
    shutil.copytree(study, root)
    verdict = Verdict.load(root / "results" / "verdict.json")
    (first,) = verdict.generators
    (noise,) = first.controls
    wrong = noise.model_copy(update={"outcome": "adequate"})
    first = first.model_copy(update={"alone": alone("refused"), "controls": (wrong,)})
    other = first.model_copy(update={"generator": "other", "alone": alone("inadequate"), "private": None})
    verdict.model_copy(update={"generators": (first, other)}).save(root / "results" / "verdict.json")
    file = root / layout.COMPARED_CONTROLS
    compared = Comparison.load(file).as_json()
    compared["regimes"][1]["not_converged"] = ["synthetic-control-noise-cnn6-1"]
    Comparison.model_validate(compared).save(file)
    text = (report_on(root, tmp_path / "out") / "index.html").read_text(encoding="utf-8")
    assert "✗ 1 of 3 trainings on controls did not converge." in text
    assert ">synthetic-control-noise-cnn6-1</th>" in text
    assert "Control failed: “noise in the mean colours of originals” is adequate" in text
    assert ">adequate ✗</td>" in text
    assert "Other generators and classifiers of the study." in text
    assert "−20.0 points (95% CI −30.0 to −10.0)" in text
