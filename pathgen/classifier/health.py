"""Decide whether a classifier's training converged, from its history and its validation scores."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.results.health_record import ClassifierHealth, Failure

# Cross-entropy of a constant prediction on balanced classes is ln 2; a training set that is learnt at all is
# clearly below it.
_MAX_LOSS = 0.98 * math.log(2)
_MIN_TRAINING_ACCURACY = 0.55


def classifier_health(
    history: pd.DataFrame,
    best_epoch: int,
    scores: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    seed: int,
    diverged: bool = False,
) -> ClassifierHealth:
    """Judge one training.

    Args:
        history: Row per finished epoch with ``train_loss`` (nats) and ``train_accuracy``, see
            `TrainedClassifier`.
        best_epoch: Number of the epoch whose weights are kept, from 1; 0: the initial weights.
        scores: P(tumor) of the validation patches with these weights, float64 (N,).
        labels: Their classes, int64 (N,); 0 normal, 1 tumor.
        seed: Seed of the training.
        diverged: Whether the training ended because its loss was not finite.

    Returns:
        Not converged if the loss was not finite, if the training loss of the last epoch is at least 0.98 ln 2
        or its training accuracy below 0.55, or if the kept weights predict one class alone, or rank the
        validation patches worse than chance.
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415, over a second that only a training needs

    failures: list[Failure] = ["loss not finite"] if diverged else []
    for _, last in history.tail(1).iterrows():
        if last["train_loss"] >= _MAX_LOSS:
            failures.append("training loss at chance level")
        if last["train_accuracy"] < _MIN_TRAINING_ACCURACY:
            failures.append("training accuracy at chance level")
    both_classes = len(np.unique(labels)) > 1
    if both_classes and len(np.unique(scores >= 0.5)) == 1:
        failures.append("one class predicted on validation patches")
    if both_classes and roc_auc_score(labels, scores) < 0.5:
        failures.append("validation ROC-AUC below 0.5")
    return ClassifierHealth(
        converged=not failures,
        failures=tuple(failures),
        remarks=("best epoch is the first",) if best_epoch == 1 and len(history) > 1 else (),
        training_seed=seed,
    )
