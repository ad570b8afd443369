"""What the study measured, held against the limits of a release."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

from pathgen.privacy.attack_family import MEMBERSHIP
from pathgen.release.inputs import Finished
from pathgen.report.load import Run

#: Share of synthetic patches nearer to a training patch than 99.9 % of unseen originals are.
TOO_NEAR = "above_q999_members"
#: An attack that an audit may leave out (``privacy.shadow_steps: 0``).
_SHADOW = "shadow_auc"


@dataclass(frozen=True)
class Check:
    """One limit and what was measured.

    Attributes:
        setting: Name of the limit in ``release.limits``; it begins with ``max_`` or ``min_``.
        words: What was measured.
        value: The measure; None where it was not measured.
        limit: What it must keep to; None asks nothing.
    """

    setting: str
    words: str
    value: float | None
    limit: float | None

    @property
    def kept(self) -> bool:
        """Whether nothing is asked, or what is asked was measured and is kept."""
        if self.limit is None:
            return True
        if self.value is None:
            return False
        return self.value <= self.limit if self.setting.startswith("max_") else self.value >= self.limit


def checks(study: Finished) -> list[Check]:
    """Hold a study against its limits, kept or not."""
    limits, metrics = study.settings.limits, study.privacy.get("metrics", {})
    audited = [_audited(study.privacy, label, len(patches)) for label, patches in study.sets.items()]
    return [
        Check(
            "max_membership_auc",
            "highest upper end of the ROC-AUC of any membership attack on the set (0.5: a guess)",
            _highest(
                [f"privacy/{label}/{name}/high" for label in study.sets for name in MEMBERSHIP],
                metrics,
                [f"privacy/{label}/{_SHADOW}/high" for label in study.sets],
            ),
            limits.max_membership_auc,
        ),
        Check(
            "max_too_near",
            "highest upper end of the share of synthetic patches nearer to a training patch than 99.9 % of "
            "unseen originals are",
            _highest([f"privacy/{label}/{TOO_NEAR}/high" for label in study.sets], metrics, []),
            limits.max_too_near,
        ),
        Check(
            "min_audited",
            "least share of a class's released patches that the privacy audit has looked at",
            min((share for share in audited if share is not None), default=None) if all(audited) else None,
            limits.min_audited,
        ),
        Check(
            "min_accuracy",
            "accuracy on original test patches of the worst classifier trained on the set alone, mean over "
            "its seeds",
            least_accuracy([run for row in study.results.rows for run in row.runs], study.generator),
            limits.min_accuracy,
        ),
    ]


def _highest(needed: list[str], metrics: Mapping[str, float], optional: list[str]) -> float | None:
    values = [metrics.get(key) for key in needed]
    known = [value for value in values if value is not None]
    if len(known) < len(needed):
        return None
    return max([*known, *(metrics[key] for key in optional if key in metrics)], default=None)


def _audited(privacy: Mapping[str, Any], label: str, released: int) -> float | None:
    looked_at = privacy.get("labels", {}).get(label, {}).get("patches", {}).get("synthetic")
    return None if looked_at is None or not released else looked_at / released


def least_accuracy(runs: list[Run], generator: str) -> float | None:
    """Return the mean accuracy of the worst classifier trained on a generator's patches alone.

    Args:
        runs: Evaluated classifiers.
        generator: The generator; replicates of it do not count.

    Returns:
        In [0, 1]; None when there is no such classifier, or one without an accuracy.
    """
    found = sorted(
        (run.key.classifier, run.metrics.get("accuracy"))
        for run in runs
        if run.key.regime == "synthetic" and run.key.generator == generator
    )
    if not found or any(accuracy is None for _, accuracy in found):
        return None
    return min(
        fmean(accuracy for _, accuracy in group if accuracy is not None)
        for _, group in groupby(found, lambda one: one[0])
    )
