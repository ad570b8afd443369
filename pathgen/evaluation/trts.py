"""Ask classifiers of original patches whether synthetic ones show the class they were made for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.classifier.prediction import predict
from pathgen.core.files import write_json
from pathgen.metrics.classification import classification_metrics, confusion, wilson_ci
from pathgen.patches.store import PatchSet


def evaluate_on_synthetic(
    model: nn.Module,
    synthetic: Mapping[str, PatchSet],
    folder: Path,
    *,
    threshold: float,
    confidence: float,
    device: torch.device,
) -> Mapping[str, float]:
    """Train on original, test on synthetic (TRTS), and write ``metrics.json``.

    Args:
        model: A classifier that was trained on original patches.
        synthetic: Label to the synthetic patches made for it.
        folder: Where the results go.
        threshold: P(tumor) from which a patch is called tumor.
        confidence: Level of the intervals.
        device: Where to compute.

    Returns:
        n, accuracy, recall (tumor patches called so), specificity (normal ones), roc_auc, and under
        ``{metric}/low`` and ``/high`` Wilson's intervals of the three shares: synthetic patches are drawn
        independently, so it holds for other patches of the same generator and this classifier.
    """
    scores = np.concatenate([predict(model, patches.images, device) for patches in synthetic.values()])
    labels = np.concatenate([patches.classes for patches in synthetic.values()])
    measured = classification_metrics(labels, scores, threshold)
    metrics = {name: measured[name] for name in ("n", "accuracy", "recall", "specificity", "roc_auc")}
    counts = confusion(labels, (scores >= threshold).astype(np.int64))
    ends: dict[str, float] = {}
    for name, rows in {"accuracy": labels >= 0, "recall": labels == 1, "specificity": labels == 0}.items():
        right = _right(labels, scores, threshold)[rows]
        low, high = wilson_ci(int(right.sum()), len(right), confidence)
        ends |= {f"{name}/low": low, f"{name}/high": high}
    write_json(folder / "metrics.json", {**metrics, **ends, "confusion": counts})
    return metrics | ends


def _right(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    right: NDArray[np.bool_] = (scores >= threshold) == (labels == 1)
    return right
