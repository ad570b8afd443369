"""Metrics of a classifier: one entry of `METRICS` each."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pathgen.results.evaluation_record import Confusion

_NO_TUMOR = "no patch is tumor"
_NO_NORMAL = "no patch is normal"
_NONE_CALLED = "no patch was called tumor"


@dataclass(frozen=True)
class Metric:
    """A metric in [0, 1], more is better.

    Attributes:
        name: Key in the results.
        value: For `FRACTIONS`: numerator and denominator from the numbers of true positives, false positives,
            false negatives and true negatives. For `RANKING`: the value from labels and scores.
        undefined_when: Reason why the metric is undefined for these counts, or None.
        in_table: Heading in the report's table; None: not in the table.
    """

    name: str
    value: Callable[..., Any]
    undefined_when: Callable[[Confusion], str | None]
    in_table: str | None = None

    def of_counts(self, counts: Confusion) -> tuple[int, int]:
        """Return numerator and denominator of a metric of `FRACTIONS`."""
        cells = (counts.true_positive, counts.false_positive, counts.false_negative, counts.true_negative)
        numerator, denominator = self.value(*cells)
        return numerator, denominator


def _no_tumor(counts: Confusion) -> str | None:
    return None if counts.true_positive + counts.false_negative else _NO_TUMOR


def _no_normal(counts: Confusion) -> str | None:
    return None if counts.true_negative + counts.false_positive else _NO_NORMAL


def _none_called(counts: Confusion) -> str | None:
    return None if counts.true_positive + counts.false_positive else _NONE_CALLED


# At the threshold.
FRACTIONS = (
    Metric("accuracy", lambda tp, fp, fn, tn: (tp + tn, tp + fp + fn + tn), lambda c: None, "accuracy"),
    Metric("precision", lambda tp, fp, fn, tn: (tp, tp + fp), _none_called, "precision"),
    Metric("recall", lambda tp, fp, fn, tn: (tp, tp + fn), _no_tumor, "recall"),
    Metric("specificity", lambda tp, fp, fn, tn: (tn, tn + fp), _no_normal),
    Metric(
        "f1",
        lambda tp, fp, fn, tn: (2 * tp, 2 * tp + fp + fn),
        lambda c: f"{_NO_TUMOR}, and {_NONE_CALLED}" if _no_tumor(c) and _none_called(c) else None,
        "F1",
    ),
)
# Over all thresholds.
RANKING = (
    Metric("roc_auc", roc_auc_score, lambda c: _no_normal(c) or _no_tumor(c), "ROC-AUC"),
    Metric("average_precision", average_precision_score, _no_tumor),
)
METRICS = (*FRACTIONS, *RANKING)
#: Metrics of the report's table with their headings, in order.
TABLE_METRICS = {metric.name: metric.in_table for metric in METRICS if metric.in_table is not None}


def count_outcomes(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> Confusion:
    """Count the four outcomes at a threshold.

    Args:
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 (N,).
        threshold: Smallest score that is called tumor, in [0, 1].
    """
    tumor, called = labels == 1, scores >= threshold
    return Confusion(
        true_positive=int(np.sum(tumor & called)),
        false_positive=int(np.sum(~tumor & called)),
        false_negative=int(np.sum(tumor & ~called)),
        true_negative=int(np.sum(~tumor & ~called)),
    )


def undefined_metrics(counts: Confusion) -> dict[str, str]:
    """Return the reason for each metric that is undefined for these counts."""
    reasons = {metric.name: metric.undefined_when(counts) for metric in METRICS}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def classification_metrics(
    labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float
) -> dict[str, float]:
    """Compute all metrics of a classifier on one set of patches.

    Args:
        labels: Classes, int64 (N,), N >= 1; 0 normal, 1 tumor.
        scores: P(tumor), float64 (N,).
        threshold: Smallest score that is called tumor, in [0, 1].

    Returns:
        Number of patches ``n``, and each of `METRICS` by name. An undefined metric is absent, never 0;
        `undefined_metrics` gives the reason.

    Source: precision TP / (TP + FP), recall TP / (TP + FN), specificity TN / (TN + FP), F1
    2 TP / (2 TP + FP + FN) (so 0, not undefined, when there are tumors and none is called); average precision
    as in scikit-learn, the step-wise sum of precision times gain in recall.
    """
    assert len(labels) == len(scores) > 0, (len(labels), len(scores))
    counts = count_outcomes(labels, scores, threshold)
    undefined = undefined_metrics(counts)
    defined = [metric for metric in RANKING if metric.name not in undefined]
    ranking = {metric.name: float(metric.value(labels, scores)) for metric in defined}
    return {"n": len(labels), **_shares(counts), **ranking}


def _shares(counts: Confusion) -> dict[str, float]:
    """Return the defined metrics of `FRACTIONS`."""
    fractions = {metric.name: metric.of_counts(counts) for metric in FRACTIONS}
    return {name: part / whole for name, (part, whole) in fractions.items() if whole}


def roc_points(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> pd.DataFrame:
    """Return the corners of the ROC curve.

    Args:
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 (N,).

    Returns:
        Columns false_positive_rate, true_positive_rate (both from 0 to 1) and threshold (smallest score
        that is called tumor; NaN at the first point, where none is). No rows for patches of one class.
    """
    if len(np.unique(labels)) < 2:
        return pd.DataFrame(columns=["false_positive_rate", "true_positive_rate", "threshold"], dtype=float)
    false_rates, true_rates, thresholds = roc_curve(labels, scores)
    thresholds = np.where(np.isfinite(thresholds), thresholds, np.nan)
    return pd.DataFrame(
        {"false_positive_rate": false_rates, "true_positive_rate": true_rates, "threshold": thresholds}
    )


def wilson_ci(successes: int, count: int, confidence: float) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: Number of successes.
        count: Number of trials, at least 1.
        confidence: Confidence level, in (0, 1).

    Returns:
        Lower and upper end, in [0, 1].
    """
    interval = stats.binomtest(successes, count).proportion_ci(confidence_level=confidence, method="wilson")
    return float(interval.low), float(interval.high)


def per_slide(predictions: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Compute accuracy, recall and specificity of each slide.

    Args:
        predictions: One row per patch: slide, label and predicted (normal or tumor).
        confidence: Confidence level, in (0, 1).

    Returns:
        One row per slide, sorted by name: slide, n, n_tumor, accuracy, accuracy_low, accuracy_high (Wilson
        interval, which takes the patches of a slide as independent), recall, specificity (NaN without a patch
        of that class).
    """
    rows = []
    for slide, patches in predictions.groupby("slide", sort=True):
        tumor, called = (patches[name] == "tumor" for name in ("label", "predicted"))
        counts = count_outcomes(np.asarray(tumor, dtype=np.int64), np.asarray(called, dtype=np.float64), 1.0)
        shares = _shares(counts)
        low, high = wilson_ci(counts.true_positive + counts.true_negative, len(patches), confidence)
        rows.append(
            {
                "slide": slide,
                "n": len(patches),
                "n_tumor": int(tumor.sum()),
                "accuracy": shares["accuracy"],
                "accuracy_low": low,
                "accuracy_high": high,
                "recall": shares.get("recall", math.nan),
                "specificity": shares.get("specificity", math.nan),
            }
        )
    return pd.DataFrame(rows)


def mean_ci(values: Sequence[float], confidence: float) -> tuple[float, float | None, float | None]:
    """Return the mean of repetitions and its interval by Student's t.

    Args:
        values: One finite value per repetition, at least one.
        confidence: Confidence level, in (0, 1).

    Returns:
        The mean, and mean -+ t(n - 1) * sd / sqrt(n), sd with n - 1 in the denominator; None for a single
        repetition.
    """
    array = np.asarray(values, dtype=np.float64)
    assert len(array) > 0 and np.all(np.isfinite(array)), values
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return mean, None, None
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * float(array.std(ddof=1)) / math.sqrt(n)
    return mean, mean - half, mean + half


def mean_colour_baseline(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.int64],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
) -> float:
    """Return the accuracy of a classifier by mean colour alone, the control for every classifier.

    Args:
        train_images: Training patches, uint8 (N, H, W, 3).
        train_labels: Their classes, int64 (N,), both present.
        test_images: Test patches, uint8 (M, H, W, 3), M >= 1.
        test_labels: Their classes, int64 (M,).

    Returns:
        Test accuracy, in [0, 1], of a logistic regression (L2, C = 1, features standardised on the
        training patches) on the mean red, green and blue of each patch.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(_mean_colours(train_images), train_labels)
    return float(np.mean(model.predict(_mean_colours(test_images)) == test_labels))


def _mean_colours(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    # Patch by patch, so that a mapped set is never in memory as a whole.
    means = [image.mean(axis=(0, 1)) for image in images]
    return np.asarray(means, dtype=np.float64)
