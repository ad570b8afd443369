"""The metrics of the test set with a weight for each slide, for many weightings at once."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pathgen.metrics.statistics.bootstrap import Clusters

#: Metrics at the threshold, over all thresholds, and at the operating point.
AT_THRESHOLD = ("accuracy", "precision", "recall", "specificity", "f1")
RANKED = ("roc_auc", "average_precision")
AT_OPERATING_POINT = ("operating_recall", "operating_specificity")
WEIGHTED_METRICS = (*AT_THRESHOLD, *RANKED, *AT_OPERATING_POINT)

# Groups of neighbouring scores that are enough where only the spread over weightings is wanted.
_COARSE_GROUPS = 1000


@dataclass(frozen=True)
class ScoredTestSet:
    """What a classifier made of the test patches, so arranged that weighting slides is cheap.

    Attributes:
        outcomes: Patches of each cluster that were found, called wrongly, missed and passed rightly (TP, FP,
            FN, TN) at the threshold, float64 of shape (S, 4).
        operating_outcomes: The same at the operating point's threshold.
        tumors: Tumor patches of each cluster in each group of equal scores, highest score first, sparse
            float64 of shape (S, K).
        normals: Likewise, the normal patches.
    """

    outcomes: NDArray[np.float64]
    operating_outcomes: NDArray[np.float64]
    tumors: csr_array
    normals: csr_array


def prepare_scores(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    clusters: Clusters,
    *,
    threshold: float,
    operating_threshold: float,
) -> ScoredTestSet:
    """Arrange scores for `weighted_metrics`.

    Args:
        labels: int64 of shape (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 of shape (N,).
        clusters: Of the same patches.
        threshold: Patches that score at least this are called tumor.
        operating_threshold: Likewise, at the operating point.

    Returns:
        The arrangement.
    """
    _, group = np.unique(-scores, return_inverse=True)
    return ScoredTestSet(
        outcomes=_outcomes(labels, scores >= threshold, clusters),
        operating_outcomes=_outcomes(labels, scores >= operating_threshold, clusters),
        tumors=_cells(clusters, group, labels == 1),
        normals=_cells(clusters, group, labels == 0),
    )


def _cells(clusters: Clusters, group: NDArray[np.int64], counted: NDArray[np.bool_]) -> csr_array:
    places = (clusters.of_patch[counted], group[counted])
    shape = (len(clusters), int(group.max()) + 1)
    return csr_array((np.ones(int(counted.sum())), places), shape=shape)


def coarsen_scores(judged: ScoredTestSet) -> ScoredTestSet:
    """Join groups of neighbouring scores, until about 1,000 of equally many patches are left.

    Args:
        judged: The arrangement.

    Returns:
        One whose areas differ by less than 0.001 and are many times faster to weight.
    """
    sizes = judged.tumors.sum(axis=0) + judged.normals.sum(axis=0)
    places = np.cumsum(sizes) - 1
    _, joined = np.unique(places * _COARSE_GROUPS // sizes.sum(), return_inverse=True)
    rows = np.arange(len(sizes))
    joining = csr_array((np.ones(len(sizes)), (rows, joined)), shape=(len(sizes), int(joined.max()) + 1))
    return replace(judged, tumors=judged.tumors @ joining, normals=judged.normals @ joining)


def _outcomes(
    labels: NDArray[np.int64], called: NDArray[np.bool_], clusters: Clusters
) -> NDArray[np.float64]:
    outcome = np.where(labels == 1, np.where(called, 0, 2), np.where(called, 1, 3))
    cells = np.bincount(4 * clusters.of_patch + outcome, minlength=4 * len(clusters))
    return cells.reshape(len(clusters), 4).astype(np.float64)


def weighted_metrics(weights: NDArray[np.float64], judged: ScoredTestSet) -> dict[str, NDArray[np.float64]]:
    """Measure with slides weighted.

    Args:
        weights: Of the clusters, float64 of shape (b, S), >= 0.
        judged: What is measured.

    Returns:
        Each of `WEIGHTED_METRICS` to its values, float64 of shape (b,); NaN where it is not defined. With all
        weights 1 they are those of `pathgen.metrics.classification.classification_metrics`.
    """
    tp, fp, fn, tn = (weights @ judged.outcomes).T
    operating = (weights @ judged.operating_outcomes).T
    areas, precisions = _ranked(weights, judged)
    return {
        "accuracy": _share(tp + tn, tp + fp + fn + tn),
        "precision": _share(tp, tp + fp),
        "recall": _share(tp, tp + fn),
        "specificity": _share(tn, tn + fp),
        "f1": _share(2 * tp, 2 * tp + fp + fn),
        "roc_auc": areas,
        "average_precision": precisions,
        "operating_recall": _share(operating[0], operating[0] + operating[2]),
        "operating_specificity": _share(operating[3], operating[3] + operating[1]),
    }


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return shares


def _ranked(
    weights: NDArray[np.float64], judged: ScoredTestSet
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return area under ROC and average precision: sums over the groups of equal scores, from the highest."""
    new_hits, new_alarms = weights @ judged.tumors, weights @ judged.normals  # (b, K)
    hits, alarms = np.cumsum(new_hits, axis=1), np.cumsum(new_alarms, axis=1)
    area = np.sum(new_alarms * (hits - new_hits / 2), axis=1)
    precision = np.sum(new_hits * np.nan_to_num(_share(hits, hits + alarms)), axis=1)
    return _share(area, hits[:, -1] * alarms[:, -1]), _share(precision, hits[:, -1])
