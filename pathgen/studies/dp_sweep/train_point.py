"""One point of a curve: train on a set of one size, judge on the original test patches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.classifier.loop import train_classifier
from pathgen.classifier.prediction import predict
from pathgen.classifier.settings import ClassifierSettings, TrainClassifierConfig
from pathgen.metrics.classification import classification_metrics
from pathgen.patches.store import PatchSet
from pathgen.studies.scaling.subsets import in_one_file
from pathgen.training.metric_logger import MetricLogger


def run_point(
    images_by_label: Mapping[str, NDArray[np.uint8]],
    valid: PatchSet,
    test: PatchSet,
    *,
    recipe: Mapping[str, Any],
    max_steps: int,
    validate_every_steps: int,
    seed: int,
    threshold: float,
    device: torch.device,
    precision: Literal["fp32", "bf16"],
    channels_last: bool,
    resume_folder: Path,
    recorder: MetricLogger,
    what: str,
) -> dict[str, float]:
    """Train a classifier for a fixed number of steps and measure it.

    Sets of all sizes are dealt in passes, one after the other, and validated after equally many steps: the
    smallest is seen thousands of times, the largest once. The weights that were best on the validation
    patches are judged.

    Args:
        images_by_label: Training patches of each class, uint8 of shape (N, H, W, 3).
        valid: Original validation patches: they choose the weights.
        test: Original test patches.
        recipe: Fields of `ClassifierSettings`, the same for every size; its limits of epochs and steps are
            replaced by those here.
        max_steps: Optimiser steps.
        validate_every_steps: Steps between two validations.
        seed: Of first weights and order.
        threshold: P(tumor) from which a patch is called tumor.
        device: Where to compute.
        precision: See `train_classifier`.
        channels_last: See `train_classifier`.
        resume_folder: See there; also holds the training set. The caller removes it.
        recorder: Told the training's numbers.
        what: Name of the work, for progress and messages.

    Returns:
        `classification_metrics` of the test patches, error (1 - accuracy), guessing (the error of always
        saying the more frequent class) and valid_accuracy (of the chosen weights).

    Raises:
        PathgenError: See `train_classifier`.
    """
    images, labels = in_one_file(images_by_label, resume_folder.with_suffix(".patches"))
    validations = -(-max_steps // validate_every_steps)
    limits = {"max_epochs": validations, "patience": validations, "max_steps": max_steps}
    trained = train_classifier(
        images,
        labels,
        valid.images,
        valid.classes,
        TrainClassifierConfig(
            recipe=ClassifierSettings(**{**recipe, **limits}),
            seed=seed,
            precision=precision,
            channels_last=channels_last,
            epoch_patches=validate_every_steps * recipe["batch_size"],
        ),
        device=device,
        resume_folder=resume_folder,
        logger=recorder,
        desc=what,
    )
    metrics = classification_metrics(test.classes, predict(trained.model, test.images, device), threshold)
    tumors = float(test.classes.mean())
    return {
        **metrics,
        "error": 1.0 - metrics["accuracy"],
        "guessing": min(tumors, 1.0 - tumors),
        "valid_accuracy": float(trained.history["valid_accuracy"][trained.best_epoch - 1]),
    }
