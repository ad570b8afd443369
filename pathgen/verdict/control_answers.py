"""Ask of each control whether it may replace original patches; the right answers are known."""

from collections.abc import Mapping
from typing import get_args

from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import ControlAnswer, UsefulAlone
from pathgen.run_matrix import ControlName, regime_name
from pathgen.verdict.questions import answer_fields, answer_regime, useful_alone

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
    the answer about a generator says nothing about its patches. A training that does not converge on noise or
    blurred patches supports that they are inadequate; on fresh originals it puts the answer in doubt.

    Args:
        comparison: Comparison of the controls with the original regime.
        classifier: Name of the classifier.
        margin: Non-inferiority margin, a difference in accuracy.

    Returns:
        Answers about the controls that were trained on.
    """
    answers = []
    for control in get_args(ControlName):
        regime = regime_name("synthetic", control)
        may_fail = EXPECTED[control] == "inadequate"
        found = answer_regime(comparison, classifier, regime, useful_alone, margin, may_fail=may_fail)
        row = comparison.regime(classifier, regime)
        if found is not None and row is not None:
            answers.append(
                ControlAnswer(
                    control=control,
                    expected=EXPECTED[control],
                    not_converged=row.not_converged,
                    outcome=found.outcome,
                    **answer_fields(found),
                )
            )
    return tuple(answers)
