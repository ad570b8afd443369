"""Evaluate a classifier on the original test set, and on synthetic patches (TRTS)."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pathgen.classifier.prediction import predict
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.metrics.classification import (
    FRACTIONS,
    classification_metrics,
    count_outcomes,
    per_slide,
    roc_points,
    undefined_metrics,
    wilson_ci,
)
from pathgen.metrics.statistics.bootstrap import Clusters
from pathgen.metrics.statistics.bootstrap_metrics import AT_OPERATING_POINT, prepare_scores
from pathgen.metrics.statistics.calibration import (
    expected_calibration_error,
    reliability_curve,
    threshold_at_specificity,
)
from pathgen.metrics.statistics.confidence_intervals import bootstrap, bootstrap_se, proportion_ci
from pathgen.patches.parquet import write_csv, write_table
from pathgen.patches.store import PatchSet
from pathgen.results.evaluation_record import (
    Evaluation,
    Interval,
    Resampled,
    SyntheticEvaluation,
    Thresholds,
)
from pathgen.results.health_record import ClassifierHealth


def evaluate(
    model: nn.Module,
    test: PatchSet,
    valid: PatchSet,
    clusters: Clusters,
    folder: Path,
    settings: EvaluateSettings,
    device: torch.device,
    health: ClassifierHealth,
) -> Mapping[str, float]:
    """Predict all test patches, compute the metrics and their confidence intervals, and write the results.

    Args:
        model: Classifier.
        test: Original test patches; index with slide, item and label.
        valid: Original validation patches, on which the threshold of the operating point is chosen.
        clusters: Clusters of the test patches.
        folder: Folder of ``metrics.json``, ``predictions.parquet``, ``per_slide.csv``, ``roc.csv``,
            ``reliability.csv`` and ``confusion.csv`` (one row per patch).
        settings: Threshold, operating point, bins and bootstrap.
        device: Device of the computation.
        health: Health of the classifier's training, kept with its results.

    Returns:
        Defined metrics, and the ends of their intervals as ``{metric}/low`` and ``{metric}/high``.
    """
    threshold = settings.threshold
    scores = predict(model, test.images, device)
    labels = test.classes
    predicted = np.where(scores >= threshold, "tumor", "normal").astype(object)
    frame = test.index[["slide", "item", "label"]].reset_index(drop=True)
    frame = frame.assign(score=scores, predicted=predicted)
    valid_scores = predict(model, valid.images, device)
    operating = threshold_at_specificity(valid.classes, valid_scores, settings.specificity)
    curve = reliability_curve(labels, scores, settings.calibration_bins)
    thresholds = Thresholds(call=threshold, operating=operating)
    scored = prepare_scores(labels, scores, clusters, thresholds)
    draws = bootstrap(scored, resamples=settings.resamples, seed=settings.seed)
    metrics = classification_metrics(labels, scores, threshold)
    counts = count_outcomes(labels, scores, threshold)
    metrics |= {name: draws.value[name] for name in AT_OPERATING_POINT if math.isfinite(draws.value[name])}
    metrics["calibration_error"] = expected_calibration_error(curve)
    intervals = {}
    for name, value in draws.value.items():
        error = bootstrap_se(draws, name)
        ends = None if error is None else proportion_ci(value, error, settings.confidence)
        if ends is not None:
            intervals[name] = Interval(low=ends[0], high=ends[1])
    Evaluation(
        **metrics,
        intervals=intervals,
        resampled=Resampled(unit=clusters.unit, count=len(clusters)),
        thresholds=thresholds,
        confusion=counts,
        undefined=undefined_metrics(counts),
        health=health,
    ).save(folder / "metrics.json")
    write_table(frame, folder / "predictions.parquet")
    write_csv(per_slide(frame, settings.confidence), folder / "per_slide.csv")
    write_csv(roc_points(labels, scores), folder / "roc.csv")
    write_csv(curve, folder / "reliability.csv")
    write_csv(frame[["label", "predicted"]].rename(columns={"label": "actual"}), folder / "confusion.csv")
    ends_by_name = {f"{name}/{end}": value for name, interval in intervals.items() for end, value in interval}
    return metrics | ends_by_name


def evaluate_on_synthetic(
    model: nn.Module,
    synthetic: Mapping[str, PatchSet],
    folder: Path,
    *,
    threshold: float,
    confidence: float,
    device: torch.device,
) -> Mapping[str, float]:
    """Evaluate a classifier on synthetic patches and write ``metrics.json``.

    Args:
        model: Classifier trained on original patches.
        synthetic: Label to the synthetic patches of that class.
        folder: Folder of the results.
        threshold: Smallest P(tumor) that is called tumor.
        confidence: Confidence level, in (0, 1).
        device: Device of the computation.

    Returns:
        n, accuracy, recall, specificity and roc_auc, and the ends of Wilson intervals of the proportions
        as ``{metric}/low`` and ``{metric}/high``: synthetic patches are independent draws, so the intervals
        hold for other patches of the same generator and this classifier.
    """
    scores = np.concatenate([predict(model, patches.images, device) for patches in synthetic.values()])
    labels = np.concatenate([patches.classes for patches in synthetic.values()])
    measured = classification_metrics(labels, scores, threshold)
    metrics = {name: measured[name] for name in ("n", "accuracy", "recall", "specificity", "roc_auc")}
    counts = count_outcomes(labels, scores, threshold)
    ends: dict[str, float] = {}
    for metric in FRACTIONS:
        if metric.name in ("accuracy", "recall", "specificity"):
            successes, count = metric.of_counts(counts)
            low, high = wilson_ci(successes, count, confidence)
            ends |= {f"{metric.name}/low": low, f"{metric.name}/high": high}
    SyntheticEvaluation(**metrics, **ends, confusion=counts).save(folder / "metrics.json")
    return metrics | ends
