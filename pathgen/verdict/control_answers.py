"""Ask of each control whether it may replace original patches; the right answers are known."""

from collections.abc import Mapping
from typing import get_args

from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import ControlAnswer, UsefulAlone
from pathgen.run_matrix import ControlName, regime_name
from pathgen.verdict.questions import accuracy_difference, interval_fields, useful_alone

#: Control to the right answer.
EXPECTED: Mapping[ControlName, UsefulAlone] = {
    "control-fresh": "adequate",
    "control-noise": "inadequate",
    "control-blur": "inadequate",
}


def answer_controls(comparison: Comparison, classifier: str, margin: float) -> tuple[ControlAnswer, ...]:
    """Answer whether each control may replace original patches, as for a generator.

    Fresh originals that are not adequate mean that the study is too small to find any set adequate. Noise or
    blurred patches that are not inadequate mean that the task can be solved without structure. In both cases
    the answer about a generator says nothing about its patches.

    Args:
        comparison: Comparison of the controls with the original regime.
        classifier: Name of the classifier.
        margin: Non-inferiority margin, a difference in accuracy.

    Returns:
        Answers about the controls that were trained on.
    """
    answers = []
    for control in get_args(ControlName):
        found = accuracy_difference(comparison, classifier, regime_name("synthetic", control))
        if found is not None:
            outcome = useful_alone(found.low, found.high, margin)
            expected = EXPECTED[control]
            answers.append(
                ControlAnswer(control=control, expected=expected, outcome=outcome, **interval_fields(found))
            )
    return tuple(answers)
