"""Accuracy that each synthetic set costs a classifier, against what the set reveals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from pathgen.report.headline import costs, paired_loss
from pathgen.report.privacy import attacks_of
from pathgen.report.result_table import Row
from pathgen.results.audit import Audit, Verdict
from pathgen.results.comparison import Comparison
from pathgen.results.training import GeneratorMeta
from pathgen.webpage.formatting import Estimate

COLUMNS = (
    *("generator", "regime", "classifier", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high"),
    *("attack_auc", "attack_auc_low", "attack_auc_high", "attack", "label", "verdict", "epsilon"),
)


@dataclass(frozen=True)
class Leak:
    """The strongest membership attack of those that the verdict rests on.

    Attributes:
        attack: Name of the attack in the audit, e.g. ``ganleaks_l2_auc``.
        label: Class on which it is strongest.
        auc: Its ROC-AUC: 0.5 is chance level, 1 identifies every training patch.
        low: Lower end of its interval, which does not allow for the choice of the strongest; None if unknown.
        high: Upper end.
        verdict: Verdict on the whole set.
    """

    attack: str
    label: str
    auc: float
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Point:
    """One regime of one generator.

    Attributes:
        generator: Name of the generator.
        regime: ``mixed`` or ``synthetic``.
        classifier: Name of the classifier.
        lost: Loss in accuracy against the original regime; positive is a loss.
        leak: What the synthetic set reveals.
        epsilon: Privacy loss of the generator, the largest over its classes; None without a guarantee.
    """

    generator: str
    regime: str
    classifier: str
    lost: Estimate
    leak: Leak
    epsilon: float | None = None


def strongest_attack(audit: Audit) -> Leak | None:
    """Find the membership attack with the largest ROC-AUC of those that the verdict rests on.

    Args:
        audit: The audit.

    Returns:
        The attack, over all classes; None where the audit has none. The largest of many lies above 0.5 by
        chance alone.
    """
    found = [
        (test.value, label, name)
        for label, of_class in audit.labels.items()
        for name, test in attacks_of(of_class, "_auc").items()
        if test.value is not None
    ]
    if not found:
        return None
    auc, label, name = max(found)
    test = audit.labels[label].tests[name]
    return Leak(name, label, auc, test.low, test.high, audit.verdict)


def epsilon_of(generator: Mapping[str, GeneratorMeta]) -> float | None:
    """Return the largest epsilon over a generator's classes; None when any class has no guarantee."""
    found = [None if meta.privacy is None else meta.privacy.epsilon for meta in generator.values()]
    known = [epsilon for epsilon in found if epsilon is not None]
    return max(known) if known and len(known) == len(found) else None


def tradeoff(
    rows: Sequence[Row],
    audits: Mapping[str, Audit],
    generators: Mapping[str, Mapping[str, GeneratorMeta]],
    confidence: float,
    comparison: Comparison | None,
) -> list[Point]:
    """Relate the accuracy that each set costs to the strongest attack on it.

    Args:
        rows: Rows of the result table.
        audits: Generator to its audit.
        generators: Generator to model.json by label.
        confidence: Level of intervals over seeds, in (0, 1).
        comparison: Comparison of the regimes; None when it was not run.

    Returns:
        One point per audited generator, regime and classifier, in the order of the rows. A generator that is
        alone in its row has the interval of the comparison; replicates have that over their own seeds.
    """
    leaks = {name: leak for name, audit in audits.items() if (leak := strongest_attack(audit)) is not None}
    points = []
    for cost in costs(rows, confidence, comparison):
        runs = groupby(cost.row.runs, key=lambda run: run.key.generator or "")
        by_generator = {name: list(own) for name, own in runs}
        for name, own in by_generator.items():
            alone = len(by_generator) == 1
            lost = cost.loss if alone else paired_loss(cost.original.runs, own, confidence)
            if name in leaks and lost is not None and lost.mean is not None:
                epsilon = epsilon_of(generators.get(name, {}))
                points.append(Point(name, cost.row.regime, cost.row.classifier, lost, leaks[name], epsilon))
    return points


def point_metrics(points: Sequence[Point]) -> dict[str, float]:
    """Return the points as metrics, keys as in docs/metrics.md."""
    values: dict[str, float | None] = {}
    for point in points:
        lost, leak = point.lost, point.leak
        key = f"tradeoff/{point.regime}-{point.generator}-{point.classifier}/accuracy_lost"
        values |= {key: lost.mean, f"{key}/low": lost.low, f"{key}/high": lost.high}
        key = f"tradeoff/{point.generator}/attack_auc"
        values |= {key: leak.auc, f"{key}/low": leak.low, f"{key}/high": leak.high}
        values[f"tradeoff/{point.generator}/epsilon"] = point.epsilon
    return {key: value for key, value in values.items() if value is not None}


def point_table(points: Sequence[Point]) -> pd.DataFrame:
    """List the points, for ``dvc plots``; cells without a value are empty."""
    lines = [
        (
            *(point.generator, point.regime, point.classifier),
            *(point.lost.mean, point.lost.low, point.lost.high),
            *(point.leak.auc, point.leak.low, point.leak.high),
            *(point.leak.attack, point.leak.label, point.leak.verdict, point.epsilon),
        )
        for point in points
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))
