"""The verdict on one generator as cards: a question, its outcome, numbers and reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pathgen.results.audit_record import Audit
from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import AddedAnswer, AloneAnswer, GeneratorVerdict, Verdict
from pathgen.webpage.rendering import template

#: ``caution``: nothing was found, which proves nothing; ``open``: there is no answer.
Tone = Literal["good", "caution", "open", "bad"]

_TONES: Mapping[str, Tone] = {
    **dict.fromkeys(("adequate", "helps", "no harm"), "good"),
    **dict.fromkeys(("inadequate", "harms", "leak detected", "audit refused"), "bad"),
    **{"no leak detected": "caution", "inconclusive": "open"},
}
_TEST_UNITS = {"patient": "test patients", "slide": "test slides", "patch": "test patches"}


@dataclass(frozen=True)
class Card:
    """Answer to one question.

    Attributes:
        question: The question.
        outcome: The answer in a word or two.
        tone: Colour of the outcome, which its words repeat.
        text: Its numbers.
        reason: What follows from them, and what would settle an open answer; may be empty.
        warning: Trainings in the numbers that did not converge; may be empty.
    """

    question: str
    outcome: str
    tone: Tone
    text: str = ""
    reason: str = ""
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
        "alone": _utility("Useful alone?", one.alone, "synthetic", verdict, one, comparison),
        "added": _utility("Useful as an addition?", one.added, "mixed", verdict, one, comparison),
        "private": _privacy(one, audits),
        "release": Card(
            "Ready for release?",
            "Ready" if one.releasable else "Not ready",
            "good" if one.releasable else "bad",
            _say().release(one.obstacles),
        ),
    }


def _say() -> Any:
    """Return the macros of the verdict's sentences."""
    return template("report/verdict.j2").module


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
    units = {
        "test": _TEST_UNITS[comparison.test.unit],
        "generators": "generator trainings per class",
        "seeds": "classifier seeds",
    }
    failed = len(row.not_converged) + len(original.not_converged)
    patches = "synthetic patches alone" if regime == "synthetic" else "original and synthetic patches"
    return Card(
        question,
        answer.outcome.capitalize(),
        _TONES[answer.outcome],
        _say().usefulness(answer, row, original, verdict),
        _say().why_useful(answer, patches, verdict, units),
        _say().not_converged(answer, failed) if failed else "",
    )


def _privacy(one: GeneratorVerdict, audits: Sequence[Audit]) -> Card:
    question = "Private?"
    if one.private is None:
        return Card(question, "Not measured", "open")
    classes = [of_class for audit in audits for of_class in audit.labels.values()]
    found = [test.found for of_class in classes for test in of_class.tests.values()]
    wrong = [not control.as_expected for of_class in classes for control in of_class.controls]
    tone = _TONES[one.private.outcome]
    if tone == "caution" and one.private.epsilon is not None:
        tone = "good"
    text = _say().privacy(one.private, len(found), sum(found), len(wrong), sum(wrong))
    return Card(question, one.private.outcome.capitalize(), tone, text)
