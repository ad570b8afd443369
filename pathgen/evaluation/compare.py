"""Compare the regimes on the same test patches: means over trainings, paired differences, tests."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    training_components,
)
from pathgen.metrics.statistics.hypothesis_tests import mcnemar, minimum_detectable_difference, p_value
from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.results.comparison_record import (
    ComparedTest,
    Comparison,
    Component,
    ErrorComponent,
    McNemar,
    MeanMetric,
    MetricDifference,
    RegimeDifference,
    RegimeMean,
)

#: Metric of the hypothesis tests; the others have intervals only.
TESTED = "accuracy"
# Order of `training_components`.
_TRAINING: tuple[Component, Component] = ("generators", "seeds")


@dataclass(frozen=True)
class _Group:
    """Trainings of one classifier on one regime, and their bootstrap."""

    classifier: str
    row: str
    runs: list[EvaluatedRun]
    draws: list[BootstrapDraws]

    def training_errors(self, metric: str) -> tuple[StandardError | None, StandardError | None]:
        """Return the standard errors of the mean over trainings, see `training_components`."""
        values = [one.value[metric] for one in self.draws]
        return training_components(values, self.replicates, [run.key.seed for run in self.runs])

    def converged(self) -> "_Group":
        """Return the group without the trainings that did not converge."""
        kept = [place for place, run in enumerate(self.runs) if run.converged]
        return replace(self, runs=[self.runs[at] for at in kept], draws=[self.draws[at] for at in kept])

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the trainings; NaN without any."""
        return float(np.mean([one.value[metric] for one in self.draws])) if self.draws else math.nan

    @property
    def replicates(self) -> list[int | None]:
        """Number of the generator's training behind each training; None in the original regime."""
        return [run.key.replicate for run in self.runs]


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
    mean, kept = mean_draws(group.draws), group.converged()
    metrics = {}
    for metric in WEIGHTED_METRICS:
        if not np.isfinite(mean.value[metric]):
            continue
        values = [one.value[metric] for one in group.draws]
        sd = {"sd": float(np.std(values, ddof=1))} if len(values) > 1 else {}
        _, fields = _interval(
            mean, metric, combine_se(group.training_errors(metric)), confidence, proportion_ci
        )
        metrics[metric] = MeanMetric(
            mean=mean.value[metric], **sd, **fields, **_converged(kept.mean(metric), group)
        )
    return RegimeMean(
        classifier=group.classifier,
        regime=group.row,
        trainings=len(group.runs),
        generators=len(set(group.replicates) - {None}),
        not_converged=tuple(run.key.name for run in group.runs if not run.converged),
        repeated=tuple(run.key.name for run in group.runs if run.repeated),
        first_epoch=tuple(run.key.name for run in group.runs if run.first_epoch),
        metrics=metrics,
    )


def _converged(value: float, *groups: _Group) -> dict[str, float]:
    """Return the field of a value without failed trainings, where some failed and some did not."""
    failed = any(not run.converged for group in groups for run in group.runs)
    return {"converged": value} if failed and math.isfinite(value) else {}


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
        over = _training_errors(one, other, metric)
        error, fields = _interval(
            draws, metric, combine_se([*over.values()]), settings.confidence, difference_ci
        )
        kept = one.converged().mean(metric) - other.converged().mean(metric)
        metrics[metric] = MetricDifference(difference=value, **fields, **_converged(kept, one, other))
        if metric == TESTED and error is not None:
            components = _components({"test": bootstrap_se(draws, metric), **over}, one, other)
            metrics[metric] = metrics[metric].model_copy(update={"components": components})
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
    """Return the positions of paired trainings, those with the same seed."""
    return [
        (at, partner)
        for at, first in enumerate(one.runs)
        for partner, second in enumerate(other.runs)
        if first.key.seed == second.key.seed
    ]


def _components(
    errors: Mapping[Component, StandardError | None], one: _Group, other: _Group
) -> dict[Component, ErrorComponent]:
    """Return the parts of a standard error with their numbers of units."""
    runs = [*one.runs, *other.runs]
    counts: dict[Component, int] = {
        "test": len(one.draws[0].clusters),
        "generators": len({run.key.replicate for run in runs} - {None}),
        "seeds": len({run.key.seed for run in runs}),
    }
    return {
        name: ErrorComponent(error=one.error, freedom=one.freedom, count=counts[name])
        for name, one in errors.items()
        if one is not None
    }


def _training_errors(one: _Group, other: _Group, metric: str) -> dict[Component, StandardError | None]:
    """Return the standard errors over generators and seeds; equal seeds mean equal initial weights."""
    pairs = _pairs(one, other)
    # Paired only where each training of both regimes has a partner; the error is that of all trainings.
    paired = [set(places) for places in zip(*pairs, strict=True)]
    if paired != [set(range(len(one.runs))), set(range(len(other.runs)))]:
        both = zip(one.training_errors(metric), other.training_errors(metric), strict=True)
        return dict(zip(_TRAINING, (combine_se(part) for part in both), strict=True))
    values = [one.draws[first].value[metric] - other.draws[second].value[metric] for first, second in pairs]
    seeds = [one.runs[first].key.seed for first, _ in pairs]
    # Where both regimes have a generator, a seed has the same number of replicate in both.
    replicates = [one.replicates[first] or other.replicates[second] for first, second in pairs]
    parts = training_components(values, replicates, seeds)
    return dict(zip(_TRAINING, parts, strict=True))


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
