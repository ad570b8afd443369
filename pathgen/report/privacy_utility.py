"""Accuracy that each synthetic set costs a classifier, against what the set reveals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pathgen.report.headline import Results, costs
from pathgen.results.audit_record import Audit, Verdict, strongest_attack, worst
from pathgen.results.training_record import GeneratorMeta, largest_epsilon
from pathgen.webpage.formatting import Estimate

_COLUMNS = (
    *("generator", "regime", "classifier", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high"),
    *("attack_auc", "attack_auc_low", "attack_auc_high", "attack", "label", "verdict", "epsilon"),
)


@dataclass(frozen=True)
class Point:
    """One regime of one generator.

    Attributes:
        generator: Name of the generator.
        regime: ``mixed`` or ``synthetic``.
        classifier: Name of the classifier.
        lost: Loss in accuracy against the original regime, with a mean; positive is a loss.
        attack: Name of the strongest attack that the verdict rests on, e.g. ``ganleaks_l2_auc``.
        label: Class on which it is strongest.
        auc: Its ROC-AUC: 0.5 is chance level, 1 identifies every training patch.
        auc_low: Lower end of its interval, which does not allow for the choice of the strongest.
        auc_high: Upper end.
        verdict: Verdict on the whole set.
        epsilon: Privacy loss of the generator, the largest over its classes; None without a guarantee.
    """

    generator: str
    regime: str
    classifier: str
    lost: Estimate
    attack: str
    label: str
    auc: float
    auc_low: float | None
    auc_high: float | None
    verdict: Verdict
    epsilon: float | None = None


def tradeoff(
    results: Results,
    audits: Mapping[str, Mapping[int, Audit]],
    generators: Mapping[str, Mapping[str, GeneratorMeta]],
) -> list[Point]:
    """Relate the accuracy that each set costs to the strongest attack on it.

    Args:
        results: Evaluations and their comparison.
        audits: Generator to the audits of its synthetic sets, by replicate.
        generators: Generator to model.json by label.

    Returns:
        One point per audited generator, regime and classifier, in the order of the rows. The attack
        is one on the replicate with the worst audit.
    """
    points = []
    for cost in costs(results.rows, results.comparison):
        row, name = cost.row, cost.row.generator
        if name is None or name not in audits or cost.loss.mean is None:
            continue
        audit = audits[name][worst(audits[name])]
        strongest = strongest_attack([audit])
        if strongest is None:
            continue
        points.append(
            Point(
                generator=name,
                regime=row.regime,
                classifier=row.classifier,
                lost=cost.loss,
                attack=strongest.name,
                label=strongest.label,
                auc=strongest.auc,
                auc_low=strongest.result.low,
                auc_high=strongest.result.high,
                verdict=audit.verdict,
                epsilon=largest_epsilon(generators.get(name, {}).values()),
            )
        )
    return points


def point_metrics(points: Sequence[Point]) -> dict[str, float]:
    """Return the points as metrics, keys as in docs/metrics.md."""
    values: dict[str, float | None] = {}
    for point in points:
        lost = point.lost
        key = f"tradeoff/{point.regime}-{point.generator}-{point.classifier}/accuracy_lost"
        values |= {key: lost.mean, f"{key}/low": lost.low, f"{key}/high": lost.high}
        key = f"tradeoff/{point.generator}/attack_auc"
        values |= {key: point.auc, f"{key}/low": point.auc_low, f"{key}/high": point.auc_high}
        values[f"tradeoff/{point.generator}/epsilon"] = point.epsilon
    return {key: value for key, value in values.items() if value is not None}


def point_table(points: Sequence[Point]) -> pd.DataFrame:
    """List the points, for ``dvc plots``; cells without a value are empty."""
    lines = [
        (
            *(point.generator, point.regime, point.classifier),
            *(point.lost.mean, point.lost.low, point.lost.high),
            *(point.auc, point.auc_low, point.auc_high),
            *(point.attack, point.label, point.verdict, point.epsilon),
        )
        for point in points
    ]
    return pd.DataFrame(lines, columns=list(_COLUMNS))
