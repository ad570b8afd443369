"""Compare the regimes on the same test patches: means over trainings, differences and their tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

import numpy as np
import pandas as pd

from pathgen.evaluation.load import EvaluatedRun, TestPatches
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.bootstrap_metrics import WEIGHTED_METRICS, prepare_scores
from pathgen.metrics.statistics.confidence_intervals import (
    BootstrapDraws,
    StandardError,
    bootstrap,
    bootstrap_se,
    combine_se,
    difference_ci,
    difference_draws,
    mean_draws,
    proportion_ci,
    training_se,
)
from pathgen.metrics.statistics.hypothesis_tests import mcnemar, minimum_detectable_difference, p_value
from pathgen.metrics.statistics.multiple_testing import holm

#: The one that is tested; the others are reported with intervals.
TESTED = "accuracy"
_REGIMES = ("original", "mixed", "synthetic")


@dataclass(frozen=True)
class RegimeRuns:
    """All trainings of one classifier on one regime; replicates of a generator belong together.

    Attributes:
        classifier: Its name.
        row: Regime and kind of generator, e.g. ``mixed-dcgan``.
        runs: The trainings.
        draws: Each training on resampled slides.
    """

    classifier: str
    row: str
    runs: Sequence[EvaluatedRun]
    draws: Sequence[BootstrapDraws]

    def over_trainings(self, metric: str) -> StandardError | None:
        """Return how far the mean would move with other trainings, see `training_se`."""
        values = [one.value[metric] for one in self.draws]
        return training_se(values, self.replicates, [run.key.seed for run in self.runs])

    @property
    def replicates(self) -> list[str]:
        """Generator of each training."""
        return [run.key.generator or "" for run in self.runs]


def compare(
    test: TestPatches,
    runs: Sequence[EvaluatedRun],
    *,
    slides_known: bool,
    patients: Mapping[str, str],
    confidence: float,
    resamples: int,
    seed: int,
    power: float,
) -> dict[str, Any]:
    """Compare.

    Args:
        test: The patches that all runs were judged on.
        runs: What they were scored.
        slides_known: Whether slides or patients are resampled; if not, patches are.
        patients: Slide to patient, of the slides whose patient is known.
        confidence: Level of the intervals; the tests are at 1 minus it.
        resamples: Test sets drawn from the slides or patients; all runs are measured on the same ones.
        seed: Of these draws.
        power: Of `minimum_difference`.

    Returns:
        ``test``: what was resampled. ``regimes``: per classifier and regime each metric's mean over the
        trainings, its interval, and the standard errors over what was resampled (``error_slides``) and over
        trainings. ``differences``: per
        classifier and pair of regimes the same of the paired difference (the regime named first minus
        ``against``), the p-value of the accuracy's, adjusted (Holm) for all pairs of all classifiers, the
        smallest difference in accuracy that these slides and trainings would show (in one test, before the
        adjustment), and McNemar's test of each pair of trainings with the same seed. What is not known is
        absent.
    """
    clusters = build_clusters(test.slides, test.labels, slides_known=slides_known, patients=patients)

    def drawn(run: EvaluatedRun) -> BootstrapDraws:
        cuts = {"threshold": run.threshold, "operating_threshold": run.operating_threshold}
        judged = prepare_scores(test.labels, run.scores, clusters, **cuts)
        return bootstrap(judged, clusters, resamples=resamples, seed=seed)

    groups = []
    for (classifier, _, row), of_group in groupby(sorted(runs, key=_place), key=lambda run: _place(run)[:3]):
        members = list(of_group)
        groups.append(RegimeRuns(classifier, row, members, [drawn(run) for run in members]))
    pairs = [
        (second, first) for first, second in combinations(groups, 2) if first.classifier == second.classifier
    ]
    differences = [_difference(one, other, test, confidence, power) for one, other in pairs]
    tested = {str(at): pair["p_value"] for at, pair in enumerate(differences) if "p_value" in pair}
    for at, adjusted in holm(tested).items():
        differences[int(at)]["p_adjusted"] = adjusted
    return {
        "test": {
            "patches": len(test.labels),
            "unit": clusters.unit,
            "count": len(clusters),
            "resamples": resamples,
            "confidence": confidence,
            "power": power,
        },
        "regimes": [_regime(group, confidence) for group in groups],
        "differences": differences,
    }


def _place(run: EvaluatedRun) -> tuple[str, int, str, str, int]:
    key = run.key
    return (key.classifier, _REGIMES.index(key.regime), key.row, key.generator or "", key.seed)


def _regime(group: RegimeRuns, confidence: float) -> dict[str, Any]:
    mean = mean_draws(group.draws)
    return {
        "classifier": group.classifier,
        "regime": group.row,
        "trainings": len(group.runs),
        "generators": len(set(group.replicates)) if group.replicates[0] else 0,
        "metrics": {
            metric: measured
            for metric in WEIGHTED_METRICS
            if (measured := _mean(group, mean, metric, confidence)) is not None
        },
    }


def _mean(group: RegimeRuns, mean: BootstrapDraws, metric: str, confidence: float) -> dict[str, float] | None:
    value, values = mean.value[metric], [one.value[metric] for one in group.draws]
    if not np.isfinite(value):
        return None
    slides, trainings = bootstrap_se(mean, metric), group.over_trainings(metric)
    spread = combine_se([slides, trainings]) if slides is not None else None
    ends = None if spread is None else proportion_ci(value, spread, confidence)
    sd = {"sd": float(np.std(values, ddof=1))} if len(values) > 1 else {}
    return {"mean": value, **sd, **_ends(ends), **_errors(slides, trainings)}


def _difference(
    one: RegimeRuns, other: RegimeRuns, test: TestPatches, confidence: float, power: float
) -> dict[str, Any]:
    draws = difference_draws(mean_draws(one.draws), mean_draws(other.draws))
    metrics: dict[str, dict[str, float]] = {}
    tests: dict[str, float] = {}
    for metric in WEIGHTED_METRICS:
        value = draws.value[metric]
        if not np.isfinite(value):
            continue
        slides = bootstrap_se(draws, metric)
        trainings = _paired_trainings(one, other, metric)
        spread = combine_se([slides, trainings]) if slides is not None else None
        ends = None if spread is None else difference_ci(value, spread, confidence)
        metrics[metric] = {"difference": value, **_ends(ends), **_errors(slides, trainings)}
        if metric == TESTED and spread is not None:
            tests = {
                "p_value": p_value(value, spread),
                "minimum_difference": minimum_detectable_difference(spread, confidence, power),
            }
    return {
        "classifier": one.classifier,
        "regime": one.row,
        "against": other.row,
        "metrics": metrics,
        **tests,
        "mcnemar": _mcnemar(one, other, test),
    }


def _pairs(one: RegimeRuns, other: RegimeRuns) -> list[tuple[int, int]]:
    """Return the places of trainings that belong together: the same seed, and number of replicate if any."""
    found = []
    for at, first in enumerate(one.runs):
        for beside, second in enumerate(other.runs):
            numbers = {run.key.generator.partition(".")[2] for run in (first, second) if run.key.generator}
            if first.key.seed == second.key.seed and len(numbers) <= 1:
                found.append((at, beside))
    return found


def _paired_trainings(one: RegimeRuns, other: RegimeRuns, metric: str) -> StandardError | None:
    """Say how far the difference would move with other trainings: a seed means the same first weights."""
    pairs = _pairs(one, other)
    # The spread is that of all trainings, so it is told by pairs only where each of either regime is in one.
    paired = [set(places) for places in zip(*pairs, strict=True)]
    if paired != [set(range(len(one.runs))), set(range(len(other.runs)))]:
        return combine_se([one.over_trainings(metric), other.over_trainings(metric)])
    values = [one.draws[at].value[metric] - other.draws[beside].value[metric] for at, beside in pairs]
    seeds = [one.runs[at].key.seed for at, _ in pairs]
    return training_se(values, [one.replicates[at] for at, _ in pairs], seeds)


def _mcnemar(one: RegimeRuns, other: RegimeRuns, test: TestPatches) -> list[dict[str, Any]]:
    """Test each training against the one of the other regime that belongs to it."""
    found = []
    for at, beside in _pairs(one, other):
        first, second = one.runs[at], other.runs[beside]
        right = [(run.scores >= run.threshold) == (test.labels == 1) for run in (first, second)]
        only_first, only_second, p = mcnemar(*right)
        names = {"generator": first.key.generator, "seed": first.key.seed}
        counts = {"only_regime": only_first, "only_against": only_second, "p_value": p}
        found.append(names | counts)
    return found


def _ends(ends: tuple[float, float] | None) -> dict[str, float]:
    return {} if ends is None else {"low": ends[0], "high": ends[1]}


def _errors(slides: StandardError | None, trainings: StandardError | None) -> dict[str, float]:
    both = {"error_slides": slides, "error_trainings": trainings}
    return {name: spread.error for name, spread in both.items() if spread is not None}


def regimes_table(comparison: Mapping[str, Any]) -> pd.DataFrame:
    """List the means, for ``dvc plots``: regime, classifier, metric, mean, low, high, sd."""
    lines = [
        {"regime": one["regime"], "classifier": one["classifier"], "metric": metric, **measured}
        for one in comparison["regimes"]
        for metric, measured in one["metrics"].items()
    ]
    return pd.DataFrame(lines, columns=["regime", "classifier", "metric", "mean", "low", "high", "sd"])


def differences_table(comparison: Mapping[str, Any]) -> pd.DataFrame:
    """List the differences likewise: pair, classifier, metric, difference, low, high."""
    lines = [
        {
            "pair": f"{one['regime']} − {one['against']}",
            "classifier": one["classifier"],
            "metric": metric,
            **measured,
        }
        for one in comparison["differences"]
        for metric, measured in one["metrics"].items()
    ]
    return pd.DataFrame(lines, columns=["pair", "classifier", "metric", "difference", "low", "high"])
