"""The verdict, in words: what was found, what was not, and what neither means."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pathgen.privacy.attacks import QUESTIONS, Finding
from pathgen.privacy.controls import Control

Verdict = Literal["no leakage found by these tests", "leakage found", "refused"]

NO_PROOF = (
    "No test on a finite set proves that it is anonymous: another attack may find more. Only a generator "
    "trained with differential privacy, that is with noise that hides every single patch, bounds what any "
    "attack can find."
)
"""Said with every verdict."""


def decide(
    adjusted: Mapping[str, float], level: float, controls: Sequence[Control]
) -> tuple[Verdict, tuple[str, ...]]:
    """Decide about the synthetic set of one class.

    Args:
        adjusted: Holm-adjusted p-value of each test.
        level: Significance level of the class.
        controls: Results of the controls.

    Returns:
        The verdict, and the names of the tests that found leakage.
    """
    found = tuple(name for name, p in adjusted.items() if p <= level)
    if not all(control.as_expected for control in controls):
        return "refused", found
    return ("leakage found" if found else "no leakage found by these tests"), found


def _number(finding: Finding) -> str:
    return (
        "no such patch" if finding.value is None else f"{finding.value:.3f}, {finding.expected:.3f} expected"
    )


def explain(
    verdict: Verdict,
    found: Sequence[str],
    findings: Mapping[str, Finding],
    controls: Sequence[Control],
    *,
    label: str,
    n_synthetic: int,
    n_members: int,
    n_learnt_from: int,
    symmetries: Literal["identity", "square"],
    max_shift_px: int,
) -> str:
    """Put the verdict on one class into sentences for a reader who knows none of the tests.

    Args:
        verdict: From `decide`.
        found: From `decide`.
        findings: Results of the tests.
        controls: Results of the controls.
        label: The class.
        n_synthetic: Synthetic patches looked at.
        n_members: Training patches, and as many unseen ones, looked at.
        n_learnt_from: Training patches in all.
        symmetries: Positions in which patches were compared.
        max_shift_px: Translations through which patches were compared.

    Returns:
        The text, one paragraph.
    """
    said = [
        f"{label}: {verdict}. {n_synthetic} synthetic patches were compared with {n_members} of the "
        f"{n_learnt_from} training patches and as many unseen patches of the same slides."
    ]
    if verdict == "refused":
        for control in controls:
            if not control.as_expected:
                what = "were not found" if control.kind == "positive" else "were taken for leakage"
                said.append(f"A control failed: {control.what} {what}.")
        said.append("So these tests say nothing about this set, whatever they read.")
    elif verdict == "leakage found":
        said += [f"{QUESTIONS[name]} Yes ({_number(findings[name])})." for name in found]
    else:
        planted = next(control for control in controls if control.name == "few copies")
        said.append(
            f"No test told the two apart; the same tests did find {planted.what}, planted as a trial."
        )
    if symmetries == "identity":
        said.append("Turned or mirrored copies were not looked for.")
    if max_shift_px == 0:
        said.append("Copies moved by some pixels were not looked for.")
    return " ".join(said)
