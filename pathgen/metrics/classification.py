"""How useful synthetic patches are: what a classifier gets right on the original test patches."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_NO_TUMOR = "no patch is tumor"
_NO_NORMAL = "no patch is normal"
_NONE_CALLED = "no patch was called tumor"


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> dict[str, int]:
    """Count the four outcomes; positive is tumor.

    Args:
        labels: What the patches are, int64 of shape (N,); 0 normal, 1 tumor.
        predicted: What they were called, likewise.

    Returns:
        Counts under true_positive, false_positive, false_negative, true_negative.
    """
    is_tumor, called = labels == 1, predicted == 1
    return {
        "true_positive": int(np.sum(is_tumor & called)),
        "false_positive": int(np.sum(~is_tumor & called)),
        "false_negative": int(np.sum(is_tumor & ~called)),
        "true_negative": int(np.sum(~is_tumor & ~called)),
    }


def undefined_metrics(
    labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float
) -> dict[str, str]:
    """Say which of `classification_metrics` do not exist for these patches, and why.

    Args:
        labels: int64 of shape (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 of shape (N,).
        threshold: Patches that score at least this are called tumor.

    Returns:
        Metric to reason; empty when all are defined.
    """
    tumors, called = int(np.sum(labels == 1)), int(np.sum(scores >= threshold))
    undefined: dict[str, str] = {}
    if tumors == 0:
        undefined |= {"recall": _NO_TUMOR, "roc_auc": _NO_TUMOR, "average_precision": _NO_TUMOR}
    if tumors == len(labels):
        undefined |= {"specificity": _NO_NORMAL, "roc_auc": _NO_NORMAL}
    if called == 0:
        undefined |= {"precision": _NONE_CALLED}
    if tumors == 0 and called == 0:
        undefined |= {"f1": f"{_NO_TUMOR}, and {_NONE_CALLED}"}
    return undefined


def classification_metrics(
    labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float
) -> dict[str, float]:
    """Measure a classifier on one set of patches; positive is tumor.

    Args:
        labels: int64 of shape (N,), N >= 1; 0 normal, 1 tumor.
        scores: P(tumor), float64 of shape (N,).
        threshold: Patches that score at least this are called tumor, in [0, 1].

    Returns:
        n, accuracy, precision, recall, specificity, f1 (at the threshold), roc_auc, average_precision
        (over all thresholds); all but n in [0, 1], more is better. A metric that is not defined is
        absent, never 0; `undefined_metrics` gives the reason.

    Source: precision TP / (TP + FP), recall TP / (TP + FN), specificity TN / (TN + FP), F1
    2 TP / (2 TP + FP + FN) (so 0, not undefined, when tumors exist and none is called); average
    precision as scikit-learn, the step-wise sum of precision times gain in recall.
    """
    assert len(labels) == len(scores) > 0, (len(labels), len(scores))
    counts = confusion(labels, (scores >= threshold).astype(np.int64))
    hit, false_alarm = counts["true_positive"], counts["false_positive"]
    miss, pass_ = counts["false_negative"], counts["true_negative"]
    undefined = undefined_metrics(labels, scores, threshold)
    fractions = {
        "accuracy": (hit + pass_, len(labels)),
        "precision": (hit, hit + false_alarm),
        "recall": (hit, hit + miss),
        "specificity": (pass_, pass_ + false_alarm),
        "f1": (2 * hit, 2 * hit + false_alarm + miss),
    }
    metrics: dict[str, float] = {"n": len(labels)}
    metrics |= {name: part / whole for name, (part, whole) in fractions.items() if name not in undefined}
    if "roc_auc" not in undefined:
        metrics["roc_auc"] = float(roc_auc_score(labels, scores))
    if "average_precision" not in undefined:
        metrics["average_precision"] = float(average_precision_score(labels, scores))
    return metrics


def roc_points(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> pd.DataFrame:
    """Return the corners of the ROC curve.

    Args:
        labels: int64 of shape (N,); 0 normal, 1 tumor.
        scores: P(tumor), float64 of shape (N,).

    Returns:
        Columns false_positive_rate, true_positive_rate (both rising from 0 to 1) and threshold (the
        score from which patches are called tumor; NaN at the first point, where none is). No rows where
        the patches are of one class: there is no curve then.
    """
    if len(np.unique(labels)) < 2:
        return pd.DataFrame(columns=["false_positive_rate", "true_positive_rate", "threshold"], dtype=float)
    false_rates, true_rates, thresholds = roc_curve(labels, scores)
    thresholds = np.where(np.isfinite(thresholds), thresholds, np.nan)
    return pd.DataFrame(
        {"false_positive_rate": false_rates, "true_positive_rate": true_rates, "threshold": thresholds}
    )


def wilson_ci(successes: int, count: int, confidence: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Args:
        successes: How many of `count`.
        count: At least 1.
        confidence: Level of the interval, in (0, 1).

    Returns:
        Low and high end, in [0, 1].
    """
    interval = stats.binomtest(successes, count).proportion_ci(confidence_level=confidence, method="wilson")
    return float(interval.low), float(interval.high)


def per_slide(predictions: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Break the result down by slide.

    Args:
        predictions: One row per patch with the columns slide, label, predicted (normal or tumor).
        confidence: Level of the interval, in (0, 1).

    Returns:
        One row per slide, by name: slide, n, n_tumor, accuracy, accuracy_low, accuracy_high (Wilson
        interval, which takes the patches of a slide as independent), recall, specificity (NaN where the
        slide has no patch of that class).
    """
    rows = []
    for slide, patches in predictions.groupby("slide", sort=True):
        counts = confusion(_is_tumor(patches["label"]), _is_tumor(patches["predicted"]))
        right = counts["true_positive"] + counts["true_negative"]
        tumors = counts["true_positive"] + counts["false_negative"]
        low, high = wilson_ci(right, len(patches), confidence)
        rows.append(
            {
                "slide": slide,
                "n": len(patches),
                "n_tumor": tumors,
                "accuracy": right / len(patches),
                "accuracy_low": low,
                "accuracy_high": high,
                "recall": _share(counts["true_positive"], tumors),
                "specificity": _share(counts["true_negative"], len(patches) - tumors),
            }
        )
    return pd.DataFrame(rows)


def _is_tumor(names: "pd.Series[str]") -> NDArray[np.int64]:
    return np.asarray(names == "tumor", dtype=np.int64)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


@dataclass(frozen=True)
class MeanInterval:
    """A mean over repetitions, with the confidence interval of that mean.

    Attributes:
        mean: Arithmetic mean.
        low: Lower end of the interval; None for a single repetition.
        high: Upper end; None for a single repetition.
        sd: Standard deviation of the repetitions (n - 1 in the denominator); None for a single one.
        n: How many repetitions.
    """

    mean: float
    low: float | None
    high: float | None
    sd: float | None
    n: int


def mean_ci(values: Sequence[float], confidence: float) -> MeanInterval:
    """Return the mean of repetitions and its interval by Student's t.

    Args:
        values: One finite value per repetition, at least one.
        confidence: Level of the interval, in (0, 1).

    Returns:
        The mean, and mean -+ t(n - 1) * sd / sqrt(n).
    """
    array = np.asarray(values, dtype=np.float64)
    assert len(array) > 0 and np.all(np.isfinite(array)), values
    mean, n = float(array.mean()), len(array)
    if n == 1:
        return MeanInterval(mean, None, None, None, 1)
    sd = float(array.std(ddof=1))
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / math.sqrt(n)
    return MeanInterval(mean, mean - half, mean + half, sd, n)


def mean_colour_baseline(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.int64],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.int64],
) -> float:
    """Return how often colour alone tells tumor from normal: the control for every classifier.

    Args:
        train_images: uint8 of shape (N, H, W, 3).
        train_labels: int64 of shape (N,); both classes occur.
        test_images: uint8 of shape (M, H, W, 3), M >= 1.
        test_labels: int64 of shape (M,).

    Returns:
        Test accuracy, in [0, 1], of a logistic regression (L2, C = 1, features standardised on the
        training patches) on each patch's mean red, green and blue.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(_mean_colours(train_images), train_labels)
    return float(np.mean(model.predict(_mean_colours(test_images)) == test_labels))


def _mean_colours(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    # Patch by patch: a mapped set of 70,000 would otherwise be read into memory as a whole.
    means = [image.mean(axis=(0, 1)) for image in images]
    return np.asarray(means, dtype=np.float64)
