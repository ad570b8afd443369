"""Judge a classifier on the original test set, and write what was found."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pathgen.classifier.prediction import predict, predictions_frame
from pathgen.core.files import write_json
from pathgen.metrics.classification import (
    classification_metrics,
    confusion,
    per_slide,
    roc_points,
    undefined_metrics,
)
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.bootstrap_metrics import AT_OPERATING_POINT, prepare_scores
from pathgen.metrics.statistics.calibration import (
    expected_calibration_error,
    reliability_curve,
    threshold_at_specificity,
)
from pathgen.metrics.statistics.confidence_intervals import bootstrap, bootstrap_se, proportion_ci
from pathgen.patches.parquet import write_csv, write_table
from pathgen.patches.store import PatchSet


def evaluate(
    model: nn.Module,
    test: PatchSet,
    valid: PatchSet,
    folder: Path,
    *,
    slides_known: bool,
    patients: Mapping[str, str],
    threshold: float,
    confidence: float,
    specificity: float,
    calibration_bins: int,
    resamples: int,
    seed: int,
    device: torch.device,
) -> Mapping[str, float]:
    """Predict every test patch, measure, and write the results.

    Args:
        model: The classifier.
        test: The original test patches; index with slide, item and label.
        valid: The original validation patches, which choose the operating point's threshold.
        folder: Where ``metrics.json``, ``predictions.parquet``, ``per_slide.csv``, ``roc.csv``,
            ``reliability.csv`` and ``confusion.csv`` (one row per patch) go.
        slides_known: Whether ``slide`` names slides; if not, patches are taken as independent.
        patients: Slide to patient, of the slides whose patient is known; slides of one are drawn together.
        threshold: P(tumor) from which a patch is called tumor.
        confidence: Level of the intervals.
        specificity: Of the operating point, on the validation patches.
        calibration_bins: Parts of the reliability curve.
        resamples: Test sets drawn for the intervals.
        seed: Of these draws.
        device: Where to compute.

    Returns:
        The metrics that are defined, and under ``{metric}/low`` and ``/high`` their intervals.
    """
    scores = predict(model, test.images, device)
    frame = predictions_frame(test.index, scores, threshold)
    labels = np.asarray(frame["label"] == "tumor", dtype=np.int64)
    called = np.asarray(frame["predicted"] == "tumor", dtype=np.int64)
    operating = threshold_at_specificity(valid.classes, predict(model, valid.images, device), specificity)
    curve = reliability_curve(labels, scores, calibration_bins)
    clusters = build_clusters(frame["slide"].to_numpy(), labels, slides_known=slides_known, patients=patients)
    judged = prepare_scores(labels, scores, clusters, threshold=threshold, operating_threshold=operating)
    draws = bootstrap(judged, clusters, resamples=resamples, seed=seed)
    metrics = classification_metrics(labels, scores, threshold)
    metrics |= {name: draws.value[name] for name in AT_OPERATING_POINT if math.isfinite(draws.value[name])}
    metrics["calibration_error"] = expected_calibration_error(curve)
    intervals = {}
    for name in draws.value:
        spread = bootstrap_se(draws, name)
        ends = None if spread is None else proportion_ci(draws.value[name], spread, confidence)
        if ends is not None:
            intervals[name] = {"low": ends[0], "high": ends[1]}
    found: dict[str, Any] = {
        **metrics,
        "intervals": intervals,
        "resampled": {"unit": clusters.unit, "count": len(clusters)},
        "thresholds": {"call": threshold, "operating": operating},
        "confusion": confusion(labels, called),
        "undefined": undefined_metrics(labels, scores, threshold),
    }
    write_table(frame, folder / "predictions.parquet")
    write_csv(per_slide(frame, confidence), folder / "per_slide.csv")
    write_csv(roc_points(labels, scores), folder / "roc.csv")
    write_csv(curve, folder / "reliability.csv")
    write_csv(frame[["label", "predicted"]].rename(columns={"label": "actual"}), folder / "confusion.csv")
    write_json(folder / "metrics.json", found)
    ends_by_name = {f"{name}/{end}": at for name, ends in intervals.items() for end, at in ends.items()}
    return metrics | ends_by_name
