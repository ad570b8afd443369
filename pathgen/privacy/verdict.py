"""Verdict on one class, and its text."""

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from pathgen.privacy.attack_family import QUESTIONS
from pathgen.privacy.controls import FEW_COPIES
from pathgen.privacy.membership_tests import TestResult
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.results.audit import LEAKAGE, PASSED, REFUSED, ControlResult, Verdict

NO_PROOF = (
    "No test on a finite set proves that it is anonymous: another attack may find more. Only a generator "
    "trained with differential privacy, that is, with noise that hides the contribution of every single "
    "patch, bounds what any attack can find."
)
"""Caveat of every verdict."""

_TEMPLATES = Environment(
    loader=PackageLoader("pathgen.privacy", "."),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701, plain text
    trim_blocks=True,
    lstrip_blocks=True,
)


def decide(
    adjusted: Mapping[str, float], level: float, controls: Sequence[ControlResult]
) -> tuple[Verdict, tuple[str, ...]]:
    """Decide whether the synthetic set of one class leaks.

    Args:
        adjusted: Holm-adjusted p-value of each test.
        level: Significance level.
        controls: Results of the controls.

    Returns:
        Verdict, and names of the tests that found leakage.
    """
    found = tuple(name for name, p in adjusted.items() if p <= level)
    if not all(control.as_expected for control in controls):
        return REFUSED, found
    return (LEAKAGE if found else PASSED), found


def explain(
    verdict: Verdict,
    found: Sequence[str],
    tests: Mapping[str, TestResult],
    controls: Sequence[ControlResult],
    pairs: ClassPairs,
) -> str:
    """Explain the verdict on one class to a reader who does not know the tests.

    Args:
        verdict: Verdict from `decide`.
        found: Names of the tests that found leakage, from `decide`.
        tests: Results of the tests.
        controls: Results of the controls.
        pairs: Patches of the class.

    Returns:
        One paragraph.
    """
    text = _TEMPLATES.get_template("verdict.txt.j2").render(
        verdict=verdict,
        found=[(QUESTIONS[name], tests[name]) for name in found],
        failed=[control for control in controls if not control.as_expected],
        detected=next(control for control in controls if control.name == FEW_COPIES),
        pairs=pairs,
    )
    return " ".join(text.split())
