"""Measured values compared with the limits of a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pathgen.release.release_inputs import ReleaseInputs
from pathgen.report.privacy_section import attacks_of

#: Share of synthetic patches closer to a training patch than 99.9 % of unseen originals are.
TOO_NEAR = "above_q999_members"


@dataclass(frozen=True)
class Check:
    """One limit and the measured value.

    Attributes:
        setting: Name of the limit in ``release.limits``.
        bound: Whether the limit is the largest or the smallest allowed value.
        words: What was measured.
        value: Measured value; None where it was not measured.
        limit: Limit; None when there is none.
    """

    setting: str
    bound: Literal["at most", "at least"]
    words: str
    value: float | None
    limit: float | None

    @property
    def kept(self) -> bool:
        """Whether there is no limit, or the value was measured and respects it."""
        if self.limit is None:
            return True
        if self.value is None:
            return False
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit


def checks(study: ReleaseInputs) -> list[Check]:
    """Compare a study with all limits of its section `release`."""
    limits = study.settings.limits
    near = [study.audit.metrics.get(f"privacy/{label}/{TOO_NEAR}/high") for label in study.sets]
    upper_end = "largest upper end of the confidence interval of"
    attacks = f"{upper_end} any membership attack's ROC-AUC"
    too_near = (
        f"{upper_end} the share of synthetic patches closer to a training patch than 99.9 % of unseen "
        "originals are"
    )
    audited = "smallest share of a class's released patches that the privacy audit covers"
    accuracy = (
        "accuracy on original test patches of the worst classifier trained on the set alone, mean over seeds"
    )
    return [
        Check("max_membership_auc", "at most", attacks, _highest_attack(study), limits.max_membership_auc),
        Check("max_too_near", "at most", too_near, _largest(near), limits.max_too_near),
        Check("min_audited", "at least", audited, _least_audited(study), limits.min_audited),
        Check("min_accuracy", "at least", accuracy, _least_accuracy(study), limits.min_accuracy),
    ]


def _largest(values: Sequence[float | None]) -> float | None:
    """Return the largest value; None when any is missing, or there is none."""
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None


def _highest_attack(study: ReleaseInputs) -> float | None:
    highs: list[float | None] = []
    for label in study.sets:
        audit = study.audit.labels.get(label)
        attacks = {} if audit is None else attacks_of(audit, "_auc")
        highs += [attack.high for attack in attacks.values()] or [None]
        # An audit may leave out this attack (`privacy.shadow_steps: 0`).
        key = f"privacy/{label}/shadow_auc/high"
        highs += [study.audit.metrics[key]] if key in study.audit.metrics else []
    return _largest(highs)


def _least_audited(study: ReleaseInputs) -> float | None:
    shares = []
    for label, patches in study.sets.items():
        audit = study.audit.labels.get(label)
        covered = None if audit is None else audit.patches.get("synthetic")
        if covered is None or not len(patches):
            return None
        shares.append(covered / len(patches))
    return min(shares)


def _least_accuracy(study: ReleaseInputs) -> float | None:
    """Return the mean accuracy of the worst classifier; None without one, or where a run has none."""
    found: dict[str, list[float]] = {}
    for run in (run for row in study.results.rows for run in row.runs):
        if run.key.regime == "synthetic" and run.key.generator == study.generator:
            accuracy = run.metrics.get("accuracy")
            if accuracy is None:
                return None
            found.setdefault(run.key.classifier, []).append(accuracy)
    return min((fmean(values) for values in found.values()), default=None)
