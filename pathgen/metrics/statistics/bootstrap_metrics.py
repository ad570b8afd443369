"""Metrics of a test set with weighted clusters, for many weightings at once."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pathgen.metrics.classification import FRACTIONS
from pathgen.metrics.statistics.bootstrap import Clusters
from pathgen.results.evaluation_record import Thresholds

#: Metrics with confidence intervals: at the threshold, over all thresholds, and at the operating point.
AT_OPERATING_POINT = ("operating_recall", "operating_specificity")
WEIGHTED_METRICS = (
    *(metric.name for metric in FRACTIONS),
    "roc_auc",
    "average_precision",
    *AT_OPERATING_POINT,
)

# Number of groups of neighbouring scores that suffices for the spread over weightings.
_COARSE_GROUPS = 1000


@dataclass(frozen=True)
class ScoredTestSet:
    """Scores of the test patches, arranged so that weighting clusters is cheap.

    Attributes:
        outcomes: Numbers of true positives, false positives, false negatives and true negatives of each
            cluster at the threshold, float64 (S, 4).
        operating_outcomes: Numbers at the threshold of the operating point, float64 (S, 4).
        tumors: Number of tumor patches of each cluster in each group of equal scores, highest score first,
            sparse float64 (S, K).
        normals: Number of normal patches of each cluster in each group, sparse float64 (S, K).
        clusters: Clusters of the patches.
    """

    outcomes: NDArray[np.float64]
    operating_outcomes: NDArray[np.float64]
    tumors: csr_array
    normals: csr_array
    clusters: Clusters


def prepare_scores(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    clusters: Clusters,
    thresholds: Thresholds,
) -> ScoredTestSet:
    """Arrange scores for `weighted_metrics`.

    Args:
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 (N,).
        clusters: Clusters of the same patches.
        thresholds: Smallest scores that are called tumor.
    """
    _, group = np.unique(-scores, return_inverse=True)
    return ScoredTestSet(
        outcomes=_outcomes(labels, scores >= thresholds.call, clusters),
        operating_outcomes=_outcomes(labels, scores >= thresholds.operating, clusters),
        tumors=_cells(clusters, group, labels == 1),
        normals=_cells(clusters, group, labels == 0),
        clusters=clusters,
    )


def _cells(clusters: Clusters, group: NDArray[np.int64], counted: NDArray[np.bool_]) -> csr_array:
    places = (clusters.of_patch[counted], group[counted])
    shape = (len(clusters), int(group.max()) + 1)
    return csr_array((np.ones(int(counted.sum())), places), shape=shape)


def coarsen_scores(scored: ScoredTestSet) -> ScoredTestSet:
    """Join groups of neighbouring scores into about 1,000 groups of equal size.

    The areas differ by less than 0.001, and weighting is many times faster.
    """
    sizes = scored.tumors.sum(axis=0) + scored.normals.sum(axis=0)
    places = np.cumsum(sizes) - 1
    _, joined = np.unique(places * _COARSE_GROUPS // sizes.sum(), return_inverse=True)
    rows = np.arange(len(sizes))
    joining = csr_array((np.ones(len(sizes)), (rows, joined)), shape=(len(sizes), int(joined.max()) + 1))
    return replace(scored, tumors=scored.tumors @ joining, normals=scored.normals @ joining)


def _outcomes(
    labels: NDArray[np.int64], called: NDArray[np.bool_], clusters: Clusters
) -> NDArray[np.float64]:
    outcome = np.where(labels == 1, np.where(called, 0, 2), np.where(called, 1, 3))
    cells = np.bincount(4 * clusters.of_patch + outcome, minlength=4 * len(clusters))
    return cells.reshape(len(clusters), 4).astype(np.float64)


def weighted_metrics(weights: NDArray[np.float64], scored: ScoredTestSet) -> dict[str, NDArray[np.float64]]:
    """Compute the metrics with weighted clusters.

    Args:
        weights: Weights of the clusters, float64 (b, S), >= 0.
        scored: Scores of the test patches.

    Returns:
        Each of `WEIGHTED_METRICS` to its values, float64 (b,); NaN where undefined. All weights 1 give the
        metrics of `pathgen.metrics.classification.classification_metrics`.
    """
    at_threshold = _fractions(weights @ scored.outcomes)
    at_operating_point = _fractions(weights @ scored.operating_outcomes)
    areas, precisions = _ranked(weights, scored)
    return {
        **at_threshold,
        "roc_auc": areas,
        "average_precision": precisions,
        **{name: at_operating_point[name.removeprefix("operating_")] for name in AT_OPERATING_POINT},
    }


def _fractions(outcomes: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    return {metric.name: _share(*metric.value(*outcomes.T)) for metric in FRACTIONS}


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _ranked(
    weights: NDArray[np.float64], scored: ScoredTestSet
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ROC-AUC and average precision: sums over the groups of equal scores, from the highest."""
    new_hits, new_alarms = weights @ scored.tumors, weights @ scored.normals  # (b, K)
    hits, alarms = np.cumsum(new_hits, axis=1), np.cumsum(new_alarms, axis=1)
    area = np.sum(new_alarms * (hits - new_hits / 2), axis=1)
    precision = np.sum(new_hits * np.nan_to_num(_share(hits, hits + alarms)), axis=1)
    return _share(area, hits[:, -1] * alarms[:, -1]), _share(precision, hits[:, -1])
