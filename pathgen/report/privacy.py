"""What the privacy audit found, in words for a reader who knows none of its tests. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathgen.report.metric_table import Measure, lines_of
from pathgen.report.supplementary_attacks import attacks_table, scores_table
from pathgen.report.tables import NOT_PUBLISHED
from pathgen.webpage.display_names import LABEL_WORDS, counted
from pathgen.webpage.table import Table

# As `pathgen.privacy.verdict` words them, whose import would load torch.
_PASSED, _LEAKING, _REFUSED = "no leakage found by these tests", "leakage found", "refused"
_ANSWERS: Mapping[str, str] = {
    _PASSED: "No leak was found in the synthetic patches of {}: {} told the patches that the generator had "
    "learnt from apart from others of the same slides.",
    _LEAKING: "Yes, patches are given away: an attacker who holds the synthetic patches of {} can tell some "
    "of the patches that the generator had learnt from. This set should not be passed on.",
    _REFUSED: "It is not known what the synthetic patches of {} give away: the tests failed on sets whose "
    "answer is known, so what they say of this one means nothing. This set should not be passed on.",
}
_PER_CENT, _PER_MILLE = 100, 1000


@dataclass(frozen=True)
class PrivacyPart:
    """What the audit of one generator says.

    Attributes:
        answer: In one sentence.
        caveat: What no verdict means; empty in results that do not say it.
        paragraphs: What else speaks for or against the set.
        gain: What an attacker would gain; None when nothing was measured, or nothing that means anything.
        undecided: What attacks without a part in the verdict would gain; None when none was run.
        scores: Published scores of copying, which decide nothing either; None without any.
        trials: How the tests did on sets whose answer is known, in a sentence; empty without any.
        controls: The same as a table; None without any.
        lines: Every measure, by the name that docs/metrics.md explains.
    """

    answer: str
    caveat: str
    paragraphs: Sequence[str]
    gain: Table | None
    undecided: Table | None
    scores: Table | None
    trials: str
    controls: Table | None
    lines: Sequence[Measure]


def privacy_answer(generator: str, content: Mapping[str, Any]) -> str:
    """Say what an audit found, in one sentence.

    Args:
        generator: The generator's id.
        content: Content of its metrics.json.
    """
    verdict = content.get("verdict")
    said = verdict if isinstance(verdict, str) else "measured, but without a verdict"
    if said in _ANSWERS:
        return _ANSWERS[said].format(generator, _no_test(content))
    return f"Privacy of {generator}: {said}."


def _no_test(content: Mapping[str, Any]) -> str:
    tests = sum(len(audit.get("tests", {})) for audit in _audits(content).values())
    return f"none of {counted(tests, 'test')}" if tests else "no test"


def _audits(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {label: audit for label, audit in content.get("labels", {}).items() if isinstance(audit, Mapping)}


def privacy_part(generator: str, content: Mapping[str, Any]) -> PrivacyPart:
    """Put the audit of one generator into words.

    Args:
        generator: The generator's id.
        content: Content of its metrics.json.
    """
    labels = _audits(content)
    hidden = ("verdict", "labels", "selected_by", "caveat")
    rest = {key: value for key, value in content.items() if key not in hidden}
    rest["patches"] = {label: audit["patches"] for label, audit in labels.items() if "patches" in audit}
    # Where all is well the table says it; where not, the audit says what it was.
    paragraphs = [
        f"{LABEL_WORDS.get(label, label)}: {audit['text']}"
        for label, audit in labels.items()
        if "text" in audit and audit.get("verdict") != _PASSED
    ]
    chosen = [
        f"{LABEL_WORDS.get(label, label)}: {what}"
        for label, what in content.get("selected_by", {}).items()
        if what
    ]
    if chosen:
        paragraphs.append(
            f"The synthetic patches were not taken as they came, but chosen ({'; '.join(chosen)}). What "
            "chose them has learnt from the patients’ patches, so the set may give away more of them."
        )
    return PrivacyPart(
        privacy_answer(generator, content),
        str(content.get("caveat", "")),
        paragraphs,
        None if content.get("verdict") == _REFUSED else gain_table(labels),
        attacks_table(content.get("metrics", {}), list(labels)),
        scores_table(labels),
        trials_sentence(labels),
        controls_table(labels),
        lines_of(rest),
    )


def gain_table(labels: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """Say what an attacker would gain, in patches of a hundred or a thousand.

    Args:
        labels: Label to its audit, with ``tests`` and the ``level`` that their p-values are held against.

    Returns:
        One line per question, one column per class; None when no class has tests.
    """
    tested = {label: audit for label, audit in labels.items() if audit.get("tests")}
    if not tested:
        return None

    def strongest(ending: str, scale: int) -> list[str]:
        found = [_attacks(audit["tests"], ending) for audit in tested.values()]
        guesses = [test["expected"] for attacks in found for test in attacks if "expected" in test]
        guess = f"{scale * guesses[0]:.0f} by guessing" if guesses else NOT_PUBLISHED
        return [guess, *(_reached(attacks, scale) for attacks in found)]

    rows = [
        [
            "Shown a patch that was learnt from and one that was not, how often in 100 does an attacker pick "
            "the right one?",
            *strongest("_auc", _PER_CENT),
        ],
        [
            "Of 1,000 patches learnt from, how many can an attacker name who may wrongly name 10 of 1,000 "
            "others?",
            *strongest("_tpr", _PER_MILLE),
        ],
        [
            "Of 100 sets without any leak, how many would look at least as bad, by chance?",
            "; ".join(dict.fromkeys(map(_bound, tested.values()))),
            *(_by_chance(audit) for audit in tested.values()),
        ],
    ]
    caption = (
        "What an attacker would gain. Many kinds of attack were tried; each number is that of the strongest "
        "of those that the verdict rests on, which lies a little above guessing by chance alone. The last "
        "line allows for that. “At most”: the upper end of the widest interval."
    )
    head = ["question", "for comparison", *(f"{LABEL_WORDS.get(label, label)} patches" for label in tested)]
    return Table(caption, head, rows)


def _attacks(tests: Mapping[str, Mapping[str, Any]], ending: str) -> list[Mapping[str, Any]]:
    return [
        test
        for name, test in tests.items()
        if name.endswith(ending) and not name.endswith(f"_strict{ending}") and test.get("value") is not None
    ]


def _reached(attacks: Sequence[Mapping[str, Any]], scale: int) -> str:
    if not attacks:
        return NOT_PUBLISHED
    most = [test["high"] for test in attacks if test.get("high") is not None]
    said = f"{scale * max(test['value'] for test in attacks):.0f}"
    return f"{said}\nat most {scale * max(most):.0f}" if most else said


def _bound(audit: Mapping[str, Any]) -> str:
    level = audit.get("level")
    return NOT_PUBLISHED if level is None else f"{_PER_CENT * level:g} or fewer: a leak"


def _by_chance(audit: Mapping[str, Any]) -> str:
    """The adjusted p-value bounds how often any of the tests reads so low where nothing leaks."""
    adjusted = [test["p_adjusted"] for test in audit["tests"].values() if "p_adjusted" in test]
    if not adjusted:
        return NOT_PUBLISHED
    of_hundred = _PER_CENT * min(adjusted)
    said = "fewer than 1" if of_hundred < 1 else f"{of_hundred:.0f}"
    return f"{said}: a leak" if min(adjusted) <= audit.get("level", 0.0) else said


def trials_sentence(labels: Mapping[str, Mapping[str, Any]]) -> str:
    """Say how the tests did on sets whose answer is known; empty when there were none."""
    controls = [control for audit in labels.values() for control in audit.get("controls", [])]
    if not controls:
        return ""
    right = sum(bool(control.get("as_expected")) for control in controls)
    opening = (
        "Would these tests notice a leak? They are also run on sets whose answer is known: some hold copies "
        "of patches learnt from, and must be found; some hold none, and must not be suspected."
    )
    trials = counted(len(controls), "trial")
    if right == len(controls):
        return f"{opening} Of {trials} all came out as they must."
    wrong = len(controls) - right
    return f"{opening} Of {trials} {wrong} did not come out so: here the tests cannot be trusted."


def controls_table(labels: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """List the sets whose answer is known.

    Args:
        labels: Label to its audit, with a list ``controls`` of objects.

    Returns:
        One line per control, one column per class; None when no audit has any.
    """
    by_name: dict[str, dict[str, Mapping[str, Any]]] = {}
    for label, audit in labels.items():
        for control in audit.get("controls", []):
            by_name.setdefault(str(control.get("name")), {})[label] = control
    if not by_name:
        return None
    lines = []
    for of_label in by_name.values():
        first = next(iter(of_label.values()))
        must = {"positive": "be found", "negative": "not be found"}.get(str(first.get("kind")), NOT_PUBLISHED)
        cells = [
            _outcome(of_label[label], len(labels[label].get("tests", {})))
            if label in of_label
            else NOT_PUBLISHED
            for label in labels
        ]
        lines.append([str(first.get("what", "")), must, *cells])
    head = ["set whose answer is known", "it must", *(LABEL_WORDS.get(label, label) for label in labels)]
    return Table("Trials of the tests.", head, lines)


def _outcome(control: Mapping[str, Any], tests: int) -> str:
    count = len(control.get("found_by", []))
    said = f"found by {count} of {tests} tests" if count else "not found"
    return said if control.get("as_expected") else f"{said}: NOT AS IT MUST"
