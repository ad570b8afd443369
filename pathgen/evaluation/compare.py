"""Compare the regimes on the same test patches: means over trainings, paired differences, tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np
import pandas as pd

from pathgen.evaluation.evaluated_runs import EvaluatedRun, TestPatches
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.metrics.statistics.bootstrap import Clusters
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
from pathgen.results.comparison_record import (
    ComparedTest,
    Comparison,
    McNemar,
    MeanMetric,
    MetricDifference,
    RegimeDifference,
    RegimeMean,
)

#: Metric of the hypothesis tests; the others have intervals only.
TESTED = "accuracy"


@dataclass(frozen=True)
class _Group:
    """Trainings of one classifier on one regime, with all replicates of a generator, and their bootstrap."""

    classifier: str
    row: str
    runs: list[EvaluatedRun]
    draws: list[BootstrapDraws]

    def training_error(self, metric: str) -> StandardError | None:
        """Return the standard error of the mean over trainings, see `training_se`."""
        values = [one.value[metric] for one in self.draws]
        return training_se(values, self.replicates, [run.key.seed for run in self.runs])

    @property
    def replicates(self) -> list[str]:
        """Generator of each training."""
        return [run.key.generator or "" for run in self.runs]


def compare(
    test: TestPatches, runs: Sequence[EvaluatedRun], clusters: Clusters, settings: EvaluateSettings
) -> Comparison:
    """Compare the regimes on the test set.

    Args:
        test: Test patches.
        runs: Scores of all runs on these patches.
        clusters: Clusters of the test patches, which the bootstrap resamples; all runs share the draws.
        settings: Confidence level, bootstrap and power.

    Returns:
        Per classifier and regime the means over trainings with intervals and standard errors; per classifier
        and pair of regimes the paired differences (first regime minus ``against``), the p-value of the
        difference in accuracy, Holm-adjusted over all pairs of all classifiers, its minimum detectable
        difference (of one test, before the adjustment), and McNemar's test of each pair of trainings with the
        same seed. What could not be computed is absent.
    """

    def draw(run: EvaluatedRun) -> BootstrapDraws:
        scored = prepare_scores(test.labels, run.scores, clusters, run.thresholds)
        return bootstrap(scored, resamples=settings.resamples, seed=settings.seed)

    groups = []
    ordered = sorted(runs, key=lambda run: run.key.order)
    for (classifier, _, row), of_group in groupby(ordered, key=lambda run: run.key.order[:3]):
        members = list(of_group)
        groups.append(_Group(classifier, row, members, [draw(run) for run in members]))
    pairs = [
        (second, first) for first, second in combinations(groups, 2) if first.classifier == second.classifier
    ]
    differences = [_difference(one, other, test, settings) for one, other in pairs]
    p_values = {str(at): pair.p_value for at, pair in enumerate(differences) if pair.p_value is not None}
    for at, adjusted in holm(p_values).items():
        differences[int(at)] = differences[int(at)].model_copy(update={"p_adjusted": adjusted})
    return Comparison(
        test=ComparedTest(
            patches=len(test.labels),
            unit=clusters.unit,
            count=len(clusters),
            resamples=settings.resamples,
            confidence=settings.confidence,
            power=settings.power,
        ),
        regimes=tuple(_regime(group, settings.confidence) for group in groups),
        differences=tuple(differences),
    )


def _interval(
    draws: BootstrapDraws,
    metric: str,
    over_trainings: StandardError | None,
    confidence: float,
    ci: Callable[[float, StandardError, float], tuple[float, float] | None],
) -> tuple[StandardError | None, dict[str, float]]:
    """Return the standard error over slides and trainings, and the known ones of the interval's fields."""
    over_slides = bootstrap_se(draws, metric)
    error = None if over_slides is None else combine_se([over_slides, over_trainings])
    ends = None if error is None else ci(draws.value[metric], error, confidence)
    fields = {} if ends is None else {"low": ends[0], "high": ends[1]}
    errors = {"error_slides": over_slides, "error_trainings": over_trainings}
    return error, fields | {name: one.error for name, one in errors.items() if one is not None}


def _regime(group: _Group, confidence: float) -> RegimeMean:
    mean = mean_draws(group.draws)
    metrics = {}
    for metric in WEIGHTED_METRICS:
        if not np.isfinite(mean.value[metric]):
            continue
        values = [one.value[metric] for one in group.draws]
        sd = {"sd": float(np.std(values, ddof=1))} if len(values) > 1 else {}
        _, fields = _interval(mean, metric, group.training_error(metric), confidence, proportion_ci)
        metrics[metric] = MeanMetric(mean=mean.value[metric], **sd, **fields)
    return RegimeMean(
        classifier=group.classifier,
        regime=group.row,
        trainings=len(group.runs),
        generators=len(set(group.replicates)) if group.replicates[0] else 0,
        metrics=metrics,
    )


def _difference(
    one: _Group, other: _Group, test: TestPatches, settings: EvaluateSettings
) -> RegimeDifference:
    draws = difference_draws(mean_draws(one.draws), mean_draws(other.draws))
    metrics: dict[str, MetricDifference] = {}
    tests: dict[str, float] = {}
    for metric in WEIGHTED_METRICS:
        value = draws.value[metric]
        if not np.isfinite(value):
            continue
        over_trainings = _paired_training_error(one, other, metric)
        error, fields = _interval(draws, metric, over_trainings, settings.confidence, difference_ci)
        metrics[metric] = MetricDifference(difference=value, **fields)
        if metric == TESTED and error is not None:
            detectable = minimum_detectable_difference(error, settings.confidence, settings.power)
            tests = {"p_value": p_value(value, error), "minimum_difference": detectable}
    return RegimeDifference(
        classifier=one.classifier,
        regime=one.row,
        against=other.row,
        metrics=metrics,
        mcnemar=_mcnemar(one, other, test),
        **tests,
    )


def _pairs(one: _Group, other: _Group) -> list[tuple[int, int]]:
    """Return the positions of paired trainings: the same seed, and the same replicate if any."""
    found = []
    for at, first in enumerate(one.runs):
        for against, second in enumerate(other.runs):
            numbers = {run.key.replicate.number for run in (first, second) if run.key.replicate}
            if first.key.seed == second.key.seed and len(numbers) <= 1:
                found.append((at, against))
    return found


def _paired_training_error(one: _Group, other: _Group, metric: str) -> StandardError | None:
    """Return the standard error of the difference over trainings; equal seeds mean equal initial weights."""
    pairs = _pairs(one, other)
    # Paired only where each training of both regimes has a partner; the error is that of all trainings.
    paired = [set(places) for places in zip(*pairs, strict=True)]
    if paired != [set(range(len(one.runs))), set(range(len(other.runs)))]:
        return combine_se([one.training_error(metric), other.training_error(metric)])
    values = [one.draws[first].value[metric] - other.draws[second].value[metric] for first, second in pairs]
    seeds = [one.runs[first].key.seed for first, _ in pairs]
    return training_se(values, [one.replicates[first] for first, _ in pairs], seeds)


def _mcnemar(one: _Group, other: _Group, test: TestPatches) -> tuple[McNemar, ...]:
    """Test each training against its partner in the other regime."""
    results = []
    for at, against in _pairs(one, other):
        first, second = one.runs[at], other.runs[against]
        right = [(run.scores >= run.thresholds.call) == (test.labels == 1) for run in (first, second)]
        only_first, only_second, p = mcnemar(*right)
        results.append(
            McNemar(
                generator=first.key.generator,
                seed=first.key.seed,
                only_regime=only_first,
                only_against=only_second,
                p_value=p,
            )
        )
    return tuple(results)


def regimes_table(comparison: Comparison) -> pd.DataFrame:
    """List the means for ``dvc plots``: regime, classifier, metric, mean, low, high, sd."""
    lines = [
        {"regime": one.regime, "classifier": one.classifier, "metric": metric, **values.as_json()}
        for one in comparison.regimes
        for metric, values in one.metrics.items()
    ]
    return pd.DataFrame(lines, columns=["regime", "classifier", "metric", "mean", "low", "high", "sd"])


def differences_table(comparison: Comparison) -> pd.DataFrame:
    """List the differences for ``dvc plots``: pair, classifier, metric, difference, low, high."""
    lines = [
        {"pair": f"{one.regime} − {one.against}", "classifier": one.classifier, "metric": metric}
        | values.as_json()
        for one in comparison.differences
        for metric, values in one.metrics.items()
    ]
    return pd.DataFrame(lines, columns=["pair", "classifier", "metric", "difference", "low", "high"])
