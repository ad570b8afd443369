"""What each synthetic set costs a classifier, against what it gives away. Pure functions over results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from pathgen.report.comparison import loss_against_original, paired_loss
from pathgen.report.tables import Row, Summary

COLUMNS = (
    *("generator", "regime", "classifier", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high"),
    *("attack_auc", "attack_auc_low", "attack_auc_high", "attack", "label", "verdict"),
)


@dataclass(frozen=True)
class Leak:
    """What the strongest membership attack with a part in an audit's verdict reaches.

    Attributes:
        attack: Its name in the audit, e.g. ``ganleaks_l2_auc``.
        label: The class whose patches it tells apart.
        auc: Area under its ROC curve: 0.5 is a guess, 1 names every training patch.
        low: Lower end of its interval, which does not allow for choosing the strongest; None if unknown.
        high: Upper end.
        verdict: The audit's verdict on the whole set, as it is worded there; empty if it gives none.
    """

    attack: str
    label: str
    auc: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Point:
    """One way of training on one generator's set.

    Attributes:
        generator: Its id; replicates are points of their own.
        regime: ``mixed`` or ``synthetic``.
        classifier: Its name.
        lost: Accuracy on original patches minus that on original test patches after training so, in the
            mean; positive is a loss.
        leak: What the set gives away.
    """

    generator: str
    regime: str
    classifier: str
    lost: Summary
    leak: Leak


def strongest_attack(privacy: Mapping[str, Any]) -> Leak | None:
    """Find the membership attack with the largest area under its ROC curve, of those the verdict rests on.

    Args:
        privacy: Content of an audit's metrics.json.

    Returns:
        The attack, over all classes; None where the audit has none. The largest of many lies above 0.5 by
        chance alone.
    """
    found = [
        (test["value"], label, name)
        for label, audit in privacy.get("labels", {}).items()
        for name, test in audit.get("tests", {}).items()
        if name.endswith("_auc") and test.get("value") is not None
    ]
    if not found:
        return None
    auc, label, name = max(found)
    test = privacy["labels"][label]["tests"][name]
    return Leak(name, label, auc, test.get("low"), test.get("high"), str(privacy.get("verdict") or ""))


def tradeoff(
    rows: Sequence[Row],
    privacy: Mapping[str, Mapping[str, Any]],
    confidence: float,
    comparison: Mapping[str, Any] | None,
) -> list[Point]:
    """Hold what each set costs against what it gives away.

    Args:
        rows: Lines of the result table.
        privacy: Generator to the content of its audit's metrics.json.
        confidence: Level of intervals over seeds, in (0, 1).
        comparison: What the stage `compare` found; None where it was not run.

    Returns:
        A point per generator that was audited, regime and classifier, in the rows' order. Of a kind with one
        generator the interval is that of the comparison, over slides and trainings; of replicates, which the
        comparison takes together, it is over the seeds of each alone.
    """
    originals = {row.classifier: row for row in rows if row.regime == "original"}
    leaks = {name: leak for name, audit in privacy.items() if (leak := strongest_attack(audit)) is not None}
    points = []
    for row in rows:
        original = originals.get(row.classifier)
        if original is None or row.generator is None:
            continue
        # In the order of the runs: by generator.
        runs = {name: list(of) for name, of in groupby(row.runs, key=lambda run: run.key.generator)}
        for name, of_generator in runs.items():
            lost = loss_against_original(comparison, row) if len(runs) == 1 else None
            lost = lost or paired_loss(original.runs, of_generator, confidence)
            if name in leaks and lost is not None and lost.mean is not None:
                points.append(Point(str(name), row.regime, row.classifier, lost, leaks[name]))
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
    return {key: value for key, value in values.items() if value is not None}


def point_table(points: Sequence[Point]) -> pd.DataFrame:
    """List the points, for ``dvc plots``; empty where there is no interval."""
    lines = [
        (
            *(point.generator, point.regime, point.classifier),
            *(point.lost.mean, point.lost.low, point.lost.high),
            *(point.leak.auc, point.leak.low, point.leak.high),
            *(point.leak.attack, point.leak.label, point.leak.verdict),
        )
        for point in points
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))
