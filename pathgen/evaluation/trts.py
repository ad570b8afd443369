"""TRTS (train on real, test on synthetic): classifiers of original patches on synthetic ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pathgen.classifier.prediction import predict
from pathgen.metrics.classification import FRACTIONS, classification_metrics, count_outcomes, wilson_ci
from pathgen.patches.store import PatchSet
from pathgen.results.evaluation_record import SyntheticEvaluation


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
    record = SyntheticEvaluation(**metrics, **ends, confusion=counts)
    record.save(folder / "metrics.json")
    return metrics | ends
