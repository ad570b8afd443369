"""Privacy audit of one generator: what an attacker gains, and whether the controls came out right."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pathgen.report.metric_table import MetricRow, metric_rows
from pathgen.results.audit_record import PASSED, AttackResult, Audit, ClassAudit, ControlResult, worst
from pathgen.results.training_record import DpGuarantee, GeneratorMeta

# Published scores in the order in which their questions refer to each other.
_SCORE_ORDER = (
    *("k_count", "distance_ratio", "closest_distance_ratio", "neighbour_ratio"),
    *("data_copying", "data_copying_share", "authenticity"),
)
# Meehan et al. 2020: C_T below this value is called copying.
_COPYING = -3.0


@dataclass(frozen=True)
class Strength:
    """What the strongest of several attacks reaches on one class.

    Attributes:
        value: Largest statistic.
        high: Largest upper end of the attacks' intervals; None when unknown.
        expected: Value expected by chance; None when unknown.
    """

    value: float
    high: float | None
    expected: float | None


@dataclass(frozen=True)
class PrivacySection:
    """All that the page shows of one generator's audits.

    Attributes:
        audits: Replicate to the audit of its synthetic set.
        generator: Label to model.json of the generator's checkpoints; empty without checkpoints.
    """

    audits: Mapping[int, Audit]
    generator: Mapping[str, GeneratorMeta]

    @property
    def shown(self) -> int:
        """Replicate with the worst audit, which the page shows."""
        return worst(self.audits)

    @property
    def audit(self) -> Audit:
        """Worst audit."""
        return self.audits[self.shown]

    @property
    def guarantees(self) -> dict[str, DpGuarantee | None]:
        """Label to the differential-privacy guarantee, None without one."""
        return {label: meta.privacy for label, meta in self.generator.items()}

    @property
    def auc(self) -> dict[str, Strength]:
        """Label to the strongest attack by ROC-AUC."""
        return _strongest(self.audit, "_auc")

    @property
    def tpr(self) -> dict[str, Strength]:
        """Label to the strongest attack by the true-positive rate at a 1 % false-positive rate."""
        return _strongest(self.audit, "_tpr")

    @property
    def scores(self) -> list[str]:
        """Names of the published memorisation scores, in order."""
        names = {name for one in self.audit.labels.values() for name in one.descriptions}
        return [*(name for name in _SCORE_ORDER if name in names), *sorted(names - {*_SCORE_ORDER})]

    @property
    def called_copying(self) -> list[str]:
        """Labels that C_T would call copied."""
        scores = {label: one.descriptions.get("data_copying") for label, one in self.audit.labels.items()}
        values = {label: None if score is None else score.value for label, score in scores.items()}
        return [label for label, value in values.items() if value is not None and value < _COPYING]

    @property
    def rows(self) -> list[MetricRow]:
        """All metrics of the file."""
        return metric_rows(self.audit.metrics)

    @property
    def tests(self) -> int:
        """Number of attacks over all audits and classes."""
        return sum(len(one.tests) for audit in self.audits.values() for one in audit.labels.values())

    @property
    def explained(self) -> Mapping[str, ClassAudit]:
        """Audits of the classes that did not pass."""
        return {label: one for label, one in self.audit.labels.items() if one.verdict != PASSED}

    @property
    def controls(self) -> Mapping[str, Mapping[str, ControlResult]]:
        """Name of a control to its result by label."""
        found: dict[str, dict[str, ControlResult]] = {}
        for label, one in self.audit.labels.items():
            for control in one.controls:
                found.setdefault(control.name, {})[label] = control
        return found

    @property
    def controls_as_expected(self) -> list[bool]:
        """Whether each control of each audit and class had the right outcome."""
        classes = [one for audit in self.audits.values() for one in audit.labels.values()]
        return [control.as_expected for one in classes for control in one.controls]

    @property
    def shadow_on_copies(self) -> list[float]:
        """ROC-AUC of the shadow attack on sets of copies, one per class."""
        keys = [f"privacy/{label}/shadow_on_copies_auc" for label in self.audit.labels]
        return [value for key in keys if (value := self.audit.metrics.get(key)) is not None]


def attacks_of(audit: ClassAudit, statistic: str) -> dict[str, AttackResult]:
    """Return the attacks of a class with one statistic, without the variants at stricter rates.

    Args:
        audit: Audit of the class.
        statistic: ``_auc`` or ``_tpr``.
    """
    return {
        name: test
        for name, test in audit.tests.items()
        if name.endswith(statistic) and not name.endswith(f"_strict{statistic}") and test.value is not None
    }


def _strongest(audit: Audit, statistic: str) -> dict[str, Strength]:
    found = {}
    for label, one in audit.labels.items():
        tests = attacks_of(one, statistic).values()
        values = [test.value for test in tests if test.value is not None]
        highs = [test.high for test in tests if test.high is not None]
        if values:
            found[label] = Strength(max(values), max(highs, default=None), next(iter(tests)).expected)
    return found


def certainty(epsilon: float) -> str:
    """Write how certain an attacker with even odds can become: e^epsilon to 1, rounded up, never to 100 %.

    Args:
        epsilon: Privacy loss.
    """
    share = 100 / (1 + math.exp(-epsilon))
    for digits in range(6):
        text = f"{math.ceil(share * 10**digits) / 10**digits:.{digits}f}"
        if float(text) < 100:
            return f"{text} %"
    return "almost 100 %"
