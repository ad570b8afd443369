"""Intervals of metrics and of their differences, from resampled slides and repeated trainings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.typing import NDArray
from scipy import stats

from pathgen.metrics.statistics.bootstrap import Clusters, bootstrap_weights, jackknife_weights
from pathgen.metrics.statistics.bootstrap_metrics import (
    WEIGHTED_METRICS,
    ScoredTestSet,
    coarsen_scores,
    weighted_metrics,
)

# With more clusters Student's t is the normal distribution; leaving out each in turn would only cost time.
_MOST_LEFT_OUT = 1000
# A metric that is undefined in more of the resamples has no interval.
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True)
class BootstrapDraws:
    """Metrics of the test set, of resampled test sets, and without each cluster in turn.

    Attributes:
        value: Metric to its value on the test set; NaN where undefined.
        resampled: Metric to its values on the resampled sets, float64 (resamples,).
        left_out: Metric to its values without each cluster, float64 (S,); None with more than 1,000 clusters.
        clusters: The resampled clusters.
    """

    value: Mapping[str, float]
    resampled: Mapping[str, NDArray[np.float64]]
    left_out: Mapping[str, NDArray[np.float64]] | None
    clusters: Clusters


@dataclass(frozen=True)
class StandardError:
    """A standard error with its degrees of freedom.

    Attributes:
        error: The standard error, > 0.
        freedom: Degrees of freedom, >= 1.
    """

    error: float
    freedom: float


def bootstrap(scored: ScoredTestSet, *, resamples: int, seed: int) -> BootstrapDraws:
    """Compute the metrics of resampled test sets.

    Args:
        scored: Scores of one run; runs on the same patches share the draws.
        resamples: Number of resampled test sets.
        seed: Seed of the draws.
    """
    clusters = scored.clusters
    here = weighted_metrics(np.ones((1, len(clusters))), scored)
    rough = coarsen_scores(scored)
    blocks = [weighted_metrics(block, rough) for block in bootstrap_weights(clusters, resamples, seed)]
    few = len(clusters) <= _MOST_LEFT_OUT
    return BootstrapDraws(
        value={name: float(values[0]) for name, values in here.items()},
        resampled={name: np.concatenate([block[name] for block in blocks]) for name in WEIGHTED_METRICS},
        left_out=weighted_metrics(jackknife_weights(clusters), rough) if few else None,
        clusters=clusters,
    )


def mean_draws(draws: Sequence[BootstrapDraws]) -> BootstrapDraws:
    """Return the draws of the mean over runs, which have the same resamples."""
    return _combined(draws, [1 / len(draws)] * len(draws))


def difference_draws(first: BootstrapDraws, second: BootstrapDraws) -> BootstrapDraws:
    """Return the draws of first minus second, paired: both on the same slides in each resample."""
    return _combined([first, second], [1.0, -1.0])


def _combined(draws: Sequence[BootstrapDraws], factors: Sequence[float]) -> BootstrapDraws:
    lefts = [one.left_out for one in draws]
    return BootstrapDraws(
        value={
            name: sum(factor * one.value[name] for factor, one in zip(factors, draws, strict=True))
            for name in draws[0].value
        },
        resampled=_sums([one.resampled for one in draws], factors),
        left_out=_sums([left for left in lefts if left is not None], factors) if None not in lefts else None,
        clusters=draws[0].clusters,
    )


def _sums(
    parts: Sequence[Mapping[str, NDArray[np.float64]]], factors: Sequence[float]
) -> dict[str, NDArray[np.float64]]:
    return {name: np.tensordot(factors, [part[name] for part in parts], 1) for name in parts[0]}


def bootstrap_se(draws: BootstrapDraws, metric: str) -> StandardError | None:
    """Return the standard error of a metric over clusters.

    Args:
        draws: Draws of `bootstrap`.
        metric: One of `WEIGHTED_METRICS`.

    Returns:
        Standard deviation over the resamples, with Satterthwaite's degrees of freedom: of each stratum its
        number of clusters minus 1, weighted by its jackknife variance. None when the metric is undefined in
        more than 5 % of the resamples, or no two clusters differ.
    """
    resampled = draws.resampled[metric]
    known = np.isfinite(resampled)
    if not math.isfinite(draws.value[metric]) or np.mean(~known) > _MOST_UNDEFINED:
        return None
    error = float(np.std(resampled[known], ddof=1)) if known.sum() > 1 else 0.0
    if error < 1e-12:
        return None
    sizes = np.bincount(draws.clusters.stratum)
    if draws.left_out is None:
        return StandardError(error, float(len(draws.clusters) - len(sizes)))
    numerator, denominator = 0.0, 0.0
    for stratum, size in enumerate(sizes):
        left = draws.left_out[metric][draws.clusters.stratum == stratum]
        if size < 2 or not np.all(np.isfinite(left)):
            return None
        variance = float(np.sum((left - left.mean()) ** 2)) * (size - 1) / size
        numerator += variance
        denominator += variance**2 / (size - 1)
    return StandardError(error, max(1.0, numerator**2 / denominator)) if denominator > 0 else None


def training_se(
    values: Sequence[float], replicates: Sequence[int | None], seeds: Sequence[int]
) -> StandardError | None:
    """Return the standard error of the mean over trainings, see `training_components`."""
    return combine_se(training_components(values, replicates, seeds))


def training_components(
    values: Sequence[float], replicates: Sequence[int | None], seeds: Sequence[int]
) -> tuple[StandardError | None, StandardError | None]:
    """Return the standard error of the mean over trainings, of generators and of seeds; one of them is None.

    Args:
        values: Metric of each training, or its difference to that of the paired training.
        replicates: Number of the generator's training behind each; None without a generator.
        seeds: Seed of each training; it belongs to one replicate, and all replicates have equally many.

    Returns:
        With several replicates the standard error of their means: trainings on the same synthetic set are not
        independent, and the spread of the means contains that of the seeds nested in them. Otherwise that of
        the seeds. None for a single one, or where nothing differs.
    """
    if len(set(replicates)) > 1:
        return _spread_of_means(values, replicates), None
    return None, _spread_of_means(values, seeds)


def _spread_of_means(values: Sequence[float], groups: Sequence[object]) -> StandardError | None:
    of_group: dict[object, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        of_group.setdefault(group, []).append(value)
    if len(of_group) < 2:
        return None
    error = float(np.std([np.mean(own) for own in of_group.values()], ddof=1)) / math.sqrt(len(of_group))
    return StandardError(error, len(of_group) - 1.0) if error > 0 and math.isfinite(error) else None


def combine_se(spreads: Sequence[StandardError | None]) -> StandardError | None:
    """Combine independent standard errors; degrees of freedom after Welch and Satterthwaite.

    Unknown ones (None) are left out; the result is None if all are unknown.
    """
    known = [spread for spread in spreads if spread is not None]
    if not known:
        return None
    variance = sum(spread.error**2 for spread in known)
    freedom = variance**2 / sum(spread.error**4 / spread.freedom for spread in known)
    return StandardError(math.sqrt(variance), freedom)


def proportion_ci(value: float, spread: StandardError, confidence: float) -> tuple[float, float] | None:
    """Return the confidence interval of a metric in [0, 1]: Student's t on the log odds.

    Args:
        value: Metric, in [0, 1].
        spread: Standard error of the metric.
        confidence: Confidence level, in (0, 1).

    Returns:
        Lower and upper end, in (0, 1); None at 0 and 1, where the log odds are infinite.
    """
    if not 0 < value < 1:
        return None
    half = _quantile(spread, confidence) * spread.error / (value * (1 - value))
    odds = math.log(value / (1 - value))
    return float(scipy.special.expit(odds - half)), float(scipy.special.expit(odds + half))


def difference_ci(value: float, spread: StandardError, confidence: float) -> tuple[float, float]:
    """Return the interval of a difference of shares by Student's t, cut at -1 and 1."""
    half = _quantile(spread, confidence) * spread.error
    return max(-1.0, value - half), min(1.0, value + half)


def _quantile(spread: StandardError, confidence: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, spread.freedom))
