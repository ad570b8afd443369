"""The verdict on one generator as cards: a question, its outcome, numbers and reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pathgen.results.audit_record import Audit
from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import AddedAnswer, AloneAnswer, GeneratorVerdict, Verdict
from pathgen.webpage.rendering import template

#: ``caution``: no leak or no gain was found, which proves nothing; ``open``: there is no answer.
Tone = Literal["good", "caution", "open", "bad"]

_TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("adequate", "helps"), "good"),
    **dict.fromkeys(("inadequate", "harms", "refused", "leak detected", "audit refused"), "bad"),
    **{"no leak detected": "caution", "no harm": "caution", "inconclusive": "open"},
}


@dataclass(frozen=True)
class Card:
    """Answer to one question.

    Attributes:
        question: The question.
        outcome: The answer in a word or two.
        tone: Colour of the outcome, which its words repeat.
        text: Its numbers.
        settle: What would settle an open answer; may be empty.
        warning: Controls that failed, and trainings of the numbers that did not converge; may be empty.
    """

    question: str
    outcome: str
    tone: Tone
    text: str = ""
    settle: str = ""
    warning: str = ""


def verdict_cards(
    verdict: Verdict, one: GeneratorVerdict, comparison: Comparison, audits: Sequence[Audit]
) -> dict[str, Card]:
    """Return the answers about one generator and classifier, and whether the set may be released.

    Args:
        verdict: The whole verdict, for margin and confidence.
        one: The part about the generator and classifier.
        comparison: Comparison of the regimes, for the accuracies.
        audits: Audits of all trainings of the generator.

    Returns:
        Cards ``alone``, ``added``, ``private`` and ``release``.
    """
    return {
        "alone": _utility("Useful without originals?", one.alone, "synthetic", verdict, one, comparison),
        "added": _utility("Useful mixed with originals?", one.added, "mixed", verdict, one, comparison),
        "private": _privacy(one, audits),
        "release": Card(
            "Ready for release?",
            "Ready" if one.releasable else "Not ready",
            "good" if one.releasable else "bad",
            _say().release(one.obstacles),
        ),
    }


def _say(name: str = "report/verdict.j2") -> Any:
    """Return the macros of a template."""
    return template(name).module


def _utility(
    question: str,
    answer: AloneAnswer | AddedAnswer | None,
    regime: str,
    verdict: Verdict,
    one: GeneratorVerdict,
    comparison: Comparison,
) -> Card:
    original = comparison.regime(one.classifier, "original")
    row = comparison.regime(one.classifier, f"{regime}-{one.generator}")
    if answer is None or row is None or original is None:
        return Card(question, "Not measured", "open")
    failed = len(row.not_converged) + len(original.not_converged)
    warnings = [_say().failed_controls([control for control in one.controls if not control.passed])]
    warnings += [_say().not_converged(answer, failed)] if failed else []
    warnings += [_say().generator_faults(one)] if one.generator_faults else []
    return Card(
        question,
        answer.outcome.capitalize(),
        _TONES[answer.outcome],
        _say().usefulness(answer, row, original, verdict),
        str(_say("verdict/answers.j2").settle(answer, verdict)),
        " ".join(warnings).strip(),
    )


def _privacy(one: GeneratorVerdict, audits: Sequence[Audit]) -> Card:
    question = "Private?"
    if one.private is None:
        return Card(question, "Not measured", "open")
    classes = [of_class for audit in audits for of_class in audit.labels.values()]
    found = [test.found for of_class in classes for test in of_class.tests.values()]
    wrong = [not control.as_expected for of_class in classes for control in of_class.controls]
    tone = _TONES[one.private.outcome]
    if tone == "caution" and one.private.epsilon is not None and one.private.secret:
        tone = "good"
    text = _say().privacy(one.private, len(found), sum(found), len(wrong), sum(wrong))
    return Card(question, one.private.outcome.capitalize(), tone, text)
