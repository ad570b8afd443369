"""``results/privacy/{generator}/{replicate}/metrics.json``: the privacy audit of one synthetic set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pathgen.results.record import Number, Record

#: The verdict of an audit. ``refused``: a control failed, so the tests prove nothing.
Verdict = Literal["no leakage found by these tests", "leakage found", "refused"]
PASSED: Verdict = "no leakage found by these tests"
LEAKAGE: Verdict = "leakage found"
REFUSED: Verdict = "refused"
#: From the best to the worst: a leak in one class or training outweighs an audit that proves nothing.
SEVERITY: Sequence[Verdict] = (PASSED, REFUSED, LEAKAGE)


class AttackResult(Record):
    """One membership attack or test that the verdict rests on.

    Attributes:
        question: The question it answers.
        value: The statistic; None when it is undefined.
        low: Lower end of its confidence interval.
        high: Upper end.
        expected: Value expected without leakage.
        p_value: One-sided p-value.
        p_adjusted: The same, Holm-adjusted over all tests of the class.
        found: Whether the adjusted p-value is at or below the level.
    """

    question: str
    value: Number | None
    low: Number | None
    high: Number | None
    expected: Number
    p_value: float
    p_adjusted: float
    found: bool


class ControlResult(Record):
    """A set with a known answer, audited like the synthetic set.

    Attributes:
        name: Short name.
        kind: ``positive`` sets hold copies and must be detected; ``negative`` ones must not.
        what: Description for a reader.
        smallest_p_adjusted: Smallest adjusted p-value of the tests.
        found_by: Names of the tests that detected it.
        as_expected: Whether the outcome is the right one.
    """

    name: str
    kind: Literal["positive", "negative"]
    what: str
    smallest_p_adjusted: float
    found_by: tuple[str, ...]
    as_expected: bool


class MemorisationScore(Record):
    """A published memorisation score, with its values on two controls.

    Attributes:
        question: The question it answers.
        value: The score of the synthetic set.
        low: Lower end of its confidence interval.
        high: Upper end.
        expected: Value expected without leakage.
        on_copies: Value on a set of copies.
        on_shrunken_variety: Value on a set of little variety without copies.
    """

    question: str
    value: Number | None
    low: Number | None
    high: Number | None
    expected: Number | None
    on_copies: Number | None = None
    on_shrunken_variety: Number | None = None


class GroupRisk(Record):
    """Risk of the training patches of one slide or patient.

    Attributes:
        name: Name of the slide or patient.
        members: Number of its training patches in the audit.
        nonmembers: Number of its other patches.
        named: Number of members identified at a 1 % false-positive rate.
        tpr: Share of members identified.
        low: Lower end of its exact binomial interval.
        high: Upper end.
        expected: Share expected without leakage.
        auc: ROC-AUC among its own patches; None without non-members.
    """

    name: str
    members: int
    nonmembers: int
    named: int
    tpr: float
    low: float
    high: float
    expected: float
    auc: float | None


class ExposedPatch(Record):
    """A training patch that a synthetic patch comes unusually close to.

    Attributes:
        slide: Its slide.
        item: Its number within the slide.
        synthetic_row: Row of the nearest synthetic patch.
        correlation: Correlation with it.
        usual_correlation: Correlation with the nearest reference patch.
        share_of_nonmembers: Share of non-members that are at least as exposed.
    """

    slide: str
    item: int
    synthetic_row: int
    correlation: float
    usual_correlation: float
    share_of_nonmembers: float


class ClassAudit(Record):
    """The audit of one class.

    Attributes:
        verdict: Verdict on the class.
        text: The verdict in sentences.
        patches: Role to the number of patches compared.
        level: Significance level of the adjusted p-values.
        tests: Name of an attack to its result.
        controls: Sets with a known answer.
        descriptions: Name of a memorisation score to its values.
        per_slide: Risk per slide.
        per_patient: Risk per patient, where all patients are known.
        most_exposed: The most exposed training patches.
    """

    verdict: Verdict
    text: str
    patches: Mapping[str, int]
    level: float
    tests: Mapping[str, AttackResult]
    controls: tuple[ControlResult, ...]
    descriptions: Mapping[str, MemorisationScore] = {}
    per_slide: tuple[GroupRisk, ...] | None = None
    per_patient: tuple[GroupRisk, ...] | None = None
    most_exposed: tuple[ExposedPatch, ...] | None = None


class Audit(Record):
    """The whole file.

    Attributes:
        verdict: The worst verdict of the classes.
        caveat: What no verdict can prove.
        metrics: Metric key, e.g. ``privacy/tumor/shadow_auc``, to value; with ``/low``, ``/high``,
            ``/expected``, ``/p_value`` and ``/p_adjusted`` where there is one.
        labels: Label to the audit of its class.
        selected_by: Label to what selected the synthetic patches among candidates; None where nothing did.
    """

    verdict: Verdict
    caveat: str
    metrics: Mapping[str, Number]
    labels: Mapping[str, ClassAudit]
    selected_by: Mapping[str, str | None] = {}


@dataclass(frozen=True)
class StrongestAttack:
    """The attack with the largest ROC-AUC of several; that of many exceeds 0.5 by chance.

    Attributes:
        name: Name of the attack, e.g. ``ganleaks_l2_auc``.
        label: Class on which it is strongest.
        auc: Its ROC-AUC: 0.5 is chance level, 1 identifies every training patch.
        result: All its results.
    """

    name: str
    label: str
    auc: float
    result: AttackResult


def strongest_attack(audits: Iterable[Audit]) -> StrongestAttack | None:
    """Return the strongest attack, by ROC-AUC, of all classes of some audits; None without one."""
    attacks = [
        StrongestAttack(name, label, test.value, test)
        for audit in audits
        for label, of_class in audit.labels.items()
        for name, test in of_class.tests.items()
        if name.endswith("_auc") and test.value is not None
    ]
    return max(attacks, key=lambda attack: attack.auc, default=None)


def worst(audits: Mapping[int, Audit]) -> int:
    """Return the replicate with the worst verdict; of equal ones, that with the strongest attack by ROC-AUC.

    Args:
        audits: Replicate to the audit of its synthetic set; at least one.
    """

    def rank(replicate: int) -> tuple[int, float]:
        attack = strongest_attack([audits[replicate]])
        return SEVERITY.index(audits[replicate].verdict), attack.auc if attack else 0.0

    return max(audits, key=rank)
