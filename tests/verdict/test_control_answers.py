"""Answers about the controls, and the verdict that rests on them."""

import pytest
from factories.runs import comparison

from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import GeneratorVerdict
from pathgen.verdict.build import build_verdict
from pathgen.verdict.control_answers import answer_controls

NONE, LARGE = (-0.01, -0.03, 0.01), (-0.2, -0.24, -0.16)


def compared(regime: str, difference: float, low: float, high: float) -> Comparison:
    return comparison(regime, accuracy={"difference": difference, "low": low, "high": high})


def controls(**ends: tuple[float, float, float]) -> Comparison:
    """Return a comparison of controls with the original regime; by default all are as expected."""
    each = {"fresh": NONE, "noise": LARGE, "blur": LARGE} | ends
    parts = [compared(f"synthetic-control-{name}", *values) for name, values in each.items()]
    others = tuple(part.regimes[-1] for part in parts)
    differences = tuple(part.differences[0] for part in parts)
    return parts[0].model_copy(update={"regimes": (parts[0].regimes[0], *others), "differences": differences})


def verdict(of_controls: Comparison) -> GeneratorVerdict:
    (found,) = build_verdict(
        compared("synthetic-dcgan", *NONE),
        {},
        controls=of_controls,
        generators=["dcgan"],
        classifiers=["cnn6"],
        margin=0.05,
        demonstration=False,
        mean_colour=None,
    ).generators
    return found


def test_controls_with_the_right_answers_leave_the_verdict() -> None:
    found = verdict(controls())
    assert [(one.control, one.outcome) for one in found.controls] == [
        ("control-fresh", "adequate"),
        ("control-noise", "inadequate"),
        ("control-blur", "inadequate"),
    ]
    assert all(one.passed for one in found.controls)
    assert found.alone is not None and found.alone.outcome == "adequate"
    assert "control failed" not in found.obstacles


@pytest.mark.parametrize(
    ("control", "ends"),
    [
        ("fresh", (0.0, -0.06, 0.06)),
        ("fresh", LARGE),
        ("noise", NONE),
        ("noise", (-0.1, -0.2, 0.0)),
        ("blur", NONE),
    ],
)
def test_verdict_with_a_failed_control_is_refused(control: str, ends: tuple[float, float, float]) -> None:
    found = verdict(controls(**{control: ends}))
    assert [one.control for one in found.controls if not one.passed] == [f"control-{control}"]
    assert found.alone is not None and found.alone.outcome == "refused"
    assert found.alone.low == NONE[1], "the interval stays"
    assert {"control failed", "not shown to be useful"} <= set(found.obstacles)


@pytest.mark.parametrize(
    ("regime", "refused"),
    [("synthetic-control-noise", False), ("synthetic-control-fresh", True), ("original", True)],
)
def test_trainings_may_fail_on_noise_alone(regime: str, refused: bool) -> None:
    found = controls()
    regimes = [
        one.model_copy(update={"not_converged": (f"{regime}-cnn6-1", f"{regime}-cnn6-2")})
        if one.regime == regime
        else one
        for one in found.regimes
    ]
    answer = verdict(found.model_copy(update={"regimes": tuple(regimes)}))
    assert answer.alone is not None
    assert (answer.alone.outcome == "refused") == refused


def test_study_without_controls_has_none_that_failed() -> None:
    found = verdict(comparison())
    assert found.controls == () and "control failed" not in found.obstacles
    assert answer_controls(controls(), "another classifier", 0.05) == ()
