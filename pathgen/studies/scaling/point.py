"""One point of a curve: train on a set of one size, evaluate on the original test patches."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.classifier.prediction import predict
from pathgen.classifier.retries import train_with_retries
from pathgen.classifier.settings import ClassifierSettings, TrainClassifierConfig
from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.metrics.classification import classification_metrics
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.results.health_record import ClassifierHealth
from pathgen.studies.scaling.settings import ScalingTraining
from pathgen.training.compute import apply_compute
from pathgen.training.metric_logger import MetricLogger, OpenRun
from pathgen.training.settings import ComputeSettings

#: Loads the training patches of each class, uint8 (N, H, W, 3), on a device.
LoadPatches = Callable[[torch.device], Mapping[str, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Point:
    """Place of a point.

    Attributes:
        source: ``original``, or a generator.
        size: Patches per class as in the settings, or ``unlimited``.
        per_class: Number of training patches per class.
        classifier: Name of the classifier.
        seed: Seed of first weights and order, and of the choice of original patches.
    """

    source: str
    size: str
    per_class: int
    classifier: str
    seed: int

    @property
    def name(self) -> str:
        """``{source}-{size}-{classifier}-{seed}``."""
        return f"{self.source}-{self.size}-{self.classifier}-{self.seed}"


@dataclass(frozen=True)
class TrainPoint:
    """Work of the job of one point.

    Attributes:
        point: Place of the point.
        load_patches: Loads the training patches.
        recipe: Recipe of the classifier.
        training: What all points have in common.
        threshold: P(tumor) from which a patch is classified as tumor.
        compute: Section ``compute``.
        open_run: Opens the record of the point: name, ``parameters`` and ``tags``.
    """

    point: Point
    load_patches: LoadPatches
    recipe: ClassifierSettings
    training: ScalingTraining
    threshold: float
    compute: ComputeSettings
    open_run: OpenRun

    def __call__(self, _folder: Path) -> dict[str, Any]:
        """Train and evaluate.

        Sets of all sizes are presented in passes, one after the other, and validated after equal numbers of
        steps: the smallest set is seen thousands of times, the largest once. The weights with the best
        validation accuracy are evaluated.

        Returns:
            The point, `classification_metrics` on the test patches, error (1 - accuracy), guessing
            (error of always predicting the more frequent class), valid_accuracy (of the kept weights, absent
            where no epoch was finished) and health (`ClassifierHealth`).

        Raises:
            PathgenError: See `train_classifier`.
        """
        device = apply_compute(device=self.compute.device, threads=self.compute.threads)
        folder, point = layout.RESUME / "scaling" / self.point.name, vars(self.point)
        parameters = {"scaling": self.training.model_dump(), "classifier": self.recipe.model_dump()}
        tags = {"stage": "scaling_point", **point}
        with self.open_run(f"scaling_point {self.point.name}", parameters=parameters, tags=tags) as run:
            found, health = self._train(device, folder, run)
            run.metrics({"scaling/per_class": self.point.per_class, "scaling/error": found["error"]}, 0)
            run.health(health.state, converged=health.converged)
        shutil.rmtree(folder, ignore_errors=True)
        return {**point, **found, "health": health.as_json()}

    def _train(
        self, device: torch.device, folder: Path, run: MetricLogger
    ) -> tuple[dict[str, float], ClassifierHealth]:
        train = in_one_file(self.load_patches(device), folder / "patches")
        valid, test = open_patch_set(layout.VALID), open_patch_set(layout.TEST)
        recipe = recipe_of_points(self.recipe, self.training)
        trained = train_with_retries(
            train,
            valid,
            TrainClassifierConfig(
                recipe=recipe,
                seed=self.point.seed,
                precision=self.compute.precision,
                channels_last=self.compute.channels_last,
                epoch_patches=self.training.validate_every_steps * recipe.batch_size,
            ),
            device=device,
            resume_folder=folder / "snapshots",
            logger=run,
            desc=f"train {self.point.name}",
        )
        scores = predict(trained.model, test.images, device)
        metrics = classification_metrics(test.classes, scores, self.threshold)
        tumors = float(test.classes.mean())
        found = {
            **metrics,
            "error": 1.0 - metrics["accuracy"],
            "guessing": min(tumors, 1.0 - tumors),
        }
        if trained.best_epoch > 0:
            found["valid_accuracy"] = float(trained.history["valid_accuracy"][trained.best_epoch - 1])
        return found, trained.health


def recipe_of_points(recipe: ClassifierSettings, training: ScalingTraining) -> ClassifierSettings:
    """Return a recipe with the steps of all points, an epoch per validation, and their learning rate."""
    validations = -(-training.max_steps // training.validate_every_steps)
    limits = {"max_epochs": validations, "patience": validations, "max_steps": training.max_steps}
    lr = training.learning_rate or recipe.learning_rate
    return ClassifierSettings(**{**recipe.model_dump(), **limits, "learning_rate": lr})


def load_originals(
    _device: torch.device, *, count: int, order_seed: int, seed: int
) -> Mapping[str, NDArray[np.uint8]]:
    """Load the first original training patches of each class, see `first_originals`."""
    images = open_patch_set(layout.TRAIN).images_by_label()
    return first_originals(images, count, order_seed=order_seed, seed=seed)


def first_originals(
    images_by_label: Mapping[str, NDArray[np.uint8]], count: int, *, order_seed: int, seed: int
) -> dict[str, NDArray[np.uint8]]:
    """Take the first patches of each class in an order of the point's seed.

    The interval over the seeds thus covers the choice of patches; smaller sets of a seed are in larger ones.

    Args:
        images_by_label: Patches by label, uint8 (N, H, W, 3).
        count: Number of patches per class.
        order_seed: Seed of all orders.
        seed: Seed of the point.

    Returns:
        Patches by label, uint8 (count, H, W, 3).

    Raises:
        PathgenError: A class has fewer patches.
    """
    for label in LABELS:
        there = len(images_by_label[label])
        if there < count:
            raise PathgenError(
                "scaling.original_sizes",
                f"asks for {count} {label} patches per class, the training set has {there}",
                "Remove the size, or raise sample.per_class.train",
            )
    return {
        label: images[numpy_generator(order_seed, "scaling", label, seed).permutation(len(images))[:count]]
        for label, images in images_by_label.items()
    }


def in_one_file(images_by_label: Mapping[str, NDArray[np.uint8]], file: Path) -> PatchSet:
    """Copy both classes into one mapped file, which the caller removes: millions need not fit into memory."""
    file.parent.mkdir(parents=True, exist_ok=True)
    counts = [len(images_by_label[label]) for label in LABELS]
    shape = (sum(counts), *images_by_label[LABELS[0]].shape[1:])
    together = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
    np.concatenate([images_by_label[label] for label in LABELS], out=together)
    labels = np.repeat(np.array(LABELS, dtype=object), counts)
    return PatchSet(together, pd.DataFrame({"label": labels}))
