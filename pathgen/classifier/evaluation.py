"""Judge a classifier on the original test set, and write what was found."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pathgen.classifier.prediction import predict, predictions_frame
from pathgen.files import write_json
from pathgen.metrics.utility import (
    classification_metrics,
    confusion,
    per_slide,
    roc_points,
    undefined_metrics,
)
from pathgen.patches.store import PatchSet
from pathgen.patches.tables import write_csv, write_table


def evaluate(
    model: nn.Module,
    test: PatchSet,
    folder: Path,
    *,
    threshold: float,
    confidence: float,
    device: torch.device,
) -> Mapping[str, float]:
    """Predict every test patch, measure, and write the results.

    Args:
        model: The classifier.
        test: The original test patches; index with slide, item and label.
        folder: Where ``metrics.json``, ``predictions.parquet``, ``per_slide.csv``, ``roc.csv`` and
            ``confusion.csv`` (one row per patch) go.
        threshold: P(tumor) from which a patch is called tumor.
        confidence: Level of the intervals per slide.
        device: Where to compute.

    Returns:
        The metrics that are defined, see `classification_metrics`.
    """
    scores = predict(model, test.images, device)
    frame = predictions_frame(test.index, scores, threshold)
    labels = np.asarray(frame["label"] == "tumor", dtype=np.int64)
    called = np.asarray(frame["predicted"] == "tumor", dtype=np.int64)
    metrics = classification_metrics(labels, scores, threshold)
    found: dict[str, Any] = {
        **metrics,
        "confusion": confusion(labels, called),
        "undefined": undefined_metrics(labels, scores, threshold),
    }
    write_table(frame, folder / "predictions.parquet")
    write_csv(per_slide(frame, confidence), folder / "per_slide.csv")
    write_csv(roc_points(labels, scores), folder / "roc.csv")
    write_csv(frame[["label", "predicted"]].rename(columns={"label": "actual"}), folder / "confusion.csv")
    write_json(folder / "metrics.json", found)
    return metrics
