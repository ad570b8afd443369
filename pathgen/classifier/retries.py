"""Repeat a classifier's training with new seeds until it converges, as often as its recipe declares."""

import logging
from dataclasses import replace
from pathlib import Path

import torch

from pathgen.classifier.classifier_loop import TrainedClassifier, train_classifier
from pathgen.classifier.settings import TrainClassifierConfig
from pathgen.core.seeding import derive_seed
from pathgen.patches.store import PatchSet
from pathgen.training.metric_logger import MetricLogger

_log = logging.getLogger(__name__)


def train_with_retries(
    train: PatchSet,
    valid: PatchSet,
    config: TrainClassifierConfig,
    *,
    device: torch.device,
    resume_folder: Path,
    logger: MetricLogger,
    desc: str,
) -> TrainedClassifier:
    """Train a classifier; repeat a training that did not converge at most `max_retries` times.

    The decision rests on training and validation patches alone, and every attempt is recorded, so no result
    is chosen by its test accuracy.

    Args:
        train: Training patches.
        valid: Validation patches.
        config: Recipe, seed and arithmetic, see `train_classifier`.
        device: Device of the computation.
        resume_folder: Folder of the snapshots of all attempts.
        logger: Logger of all attempts; an attempt logs over the curves of the one before.
        desc: Name of the training in the progress bar and in messages.

    Returns:
        The first training that converged, else the last one; its health names the seeds of the failed ones.

    Raises:
        PathgenError: As `train_classifier`; a loss that is not finite counts as a failed attempt.
    """
    failed: tuple[int, ...] = ()
    while True:
        seed = derive_seed(config.seed, "retry", len(failed)) if failed else config.seed
        trained = train_classifier(
            train,
            valid,
            config.model_copy(update={"seed": seed}),
            device=device,
            resume_folder=resume_folder / str(len(failed)),
            logger=logger,
            desc=desc,
            keep_diverged=True,
        )
        health = trained.health.model_copy(update={"failed_seeds": failed})
        if health.converged:
            return replace(trained, health=health)
        again = len(failed) < config.recipe.max_retries
        what = "it is repeated with a new seed" if again else "its numbers are marked everywhere"
        _log.warning("%s: the training did not converge (%s); %s", desc, "; ".join(health.failures), what)
        if not again:
            return replace(trained, health=health)
        failed = (*failed, seed)
