"""Train a classifier: SGD, early stopping, exact resume."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pathgen.classifier.classifier_state import TrainingState, best_epoch, losses_are_finite, should_stop
from pathgen.classifier.device_dataset import DeviceDataset, batch_order
from pathgen.classifier.health import classifier_health
from pathgen.classifier.prediction import log_probabilities
from pathgen.classifier.registry import build_classifier, fill_from_file
from pathgen.classifier.settings import TrainClassifierConfig
from pathgen.core.progress import progress
from pathgen.core.seeding import derive_seed
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import PatchSet
from pathgen.provenance.cache_key import library_versions
from pathgen.results.health_record import ClassifierHealth
from pathgen.training.compute import memory_format
from pathgen.training.metric_logger import MetricLogger

# Metric key in MLflow to column of the history.
METRICS = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
    "train/learning_rate": "learning_rate",
}
HISTORY_COLUMNS = ("epoch", *METRICS.values())
_MISCLASSIFIED = 64
_GRID_COLUMNS = 8
# Longest time that a kill within an epoch loses; snapshots change no result.
SNAPSHOT_EVERY_S = 300.0


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier with the weights of its best epoch.

    Attributes:
        network: Name of its network.
        image_size_px: Side of its patches in pixels.
        model: The network, on the CPU, in evaluation mode.
        history: One row per epoch, columns `HISTORY_COLUMNS`. Training loss and accuracy are averages over
            all patches while the weights change; validation follows the epoch. Loss: mean negative
            log-likelihood, natural logarithm. Learning rate: that of the epoch's last step.
        best_epoch: Number of the epoch with the kept weights, from 1; 0: the initial weights, where the first
            epoch already diverged.
        health: Whether the training converged.
        fresh: Names of the tensors that are not from the pretrained weights; None without pretrained weights.
    """

    network: str
    image_size_px: int
    model: nn.Module
    history: pd.DataFrame
    best_epoch: int
    health: ClassifierHealth
    fresh: list[str] | None


def train_classifier(
    train: PatchSet,
    valid: PatchSet,
    config: TrainClassifierConfig,
    *,
    device: torch.device,
    resume_folder: Path | None,
    logger: MetricLogger,
    desc: str,
    stop_after_epoch: Callable[[int, dict[str, float]], bool] = lambda _epoch, _row: False,
    keep_diverged: bool = False,
) -> TrainedClassifier:
    """Train a classifier and keep the weights of the epoch with the best validation accuracy.

    The same arguments on the same machine with the same number of threads give the same weights, also when
    the process is killed and started again. No global random state is used.

    Args:
        train: Training patches, at least one, of equal height and width; may be mapped from disk.
        valid: Validation patches, at least one, of the same size.
        config: Recipe, seed and arithmetic. The resume key is made from it.
        device: Device of the computation.
        resume_folder: Folder of the snapshots (after each epoch, and every five minutes within one), from
            which the training is resumed; None: no snapshots. The caller removes it when the result is saved.
        logger: Logger of `METRICS` after each epoch (an epoch that was cut off by a kill may be logged twice,
            with equal values), and at the end of the image ``misclassified``, see `hardest_errors`.
        desc: Name of the training in the progress bar and in messages, e.g. ``train original-cnn6-1``.
        stop_after_epoch: Callback with the number of the epoch, from 1, and its row of the history; True ends
            the training. After a restart it is called again for the epochs of the snapshot. An exception
            from it ends the training and leaves the snapshot.
        keep_diverged: Whether a loss that is not finite ends the training with the best weights so far, or
            the initial ones, instead of an exception.

    Returns:
        The classifier and its history.

    Raises:
        NonFiniteLoss: The loss is NaN or infinite, and `keep_diverged` is not set.
        PathgenError: The network does not exist, the pretrained weights do not fit it, or the snapshot
            belongs to another training.

    Source: the published study (cross-entropy as log-softmax and negative log-likelihood; early stopping and
    best checkpoint by validation accuracy). Departure: the loss is a mean over patches, not over batches of
    unequal size.
    """
    assert len(train) > 0 and len(valid) > 0, (len(train), len(valid))
    recipe, seed = config.recipe, config.seed
    size_px = train.images.shape[1]
    state, fresh = _new_state(config, size_px, device)
    model = state.model
    key: dict[str, Any] = {}
    if resume_folder is not None:
        key = _resume_key(config, device, train, valid)
        state.restore(resume_folder, key, device)

    count = config.epoch_patches or len(train)
    steps = recipe.max_epochs * -(-count // recipe.batch_size)
    steps = steps if recipe.max_steps is None else min(steps, recipe.max_steps)
    dataset = DeviceDataset(train, config, device)
    valid_labels = valid.classes
    stopped, diverged = any(stop_after_epoch(*one) for one in enumerate(state.history, start=1)), False
    planned = min(recipe.max_epochs * count, steps * recipe.batch_size)
    done = min(planned, len(state.history) * count + len(state.losses) * recipe.batch_size)
    with (
        progress(planned, "patches", desc, done=done) as bar,
        torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]),
    ):
        saved = time.monotonic()
        while not (
            stopped
            or state.steps == steps
            or should_stop(state.accuracies, recipe.max_epochs, recipe.patience)
        ):
            epoch, begun = len(state.history) + 1, len(state.losses)
            order = batch_order(len(train), recipe.batch_size, seed, epoch, config.epoch_patches)
            batches = list(order)[: steps - state.steps + begun]
            model.train()
            for rows in batches[begun:]:
                # For layers with random numbers of their own, such as dropout.
                torch.manual_seed(derive_seed(seed, "draws", state.steps))
                batch = dataset.batch(rows, state.steps)
                lr = recipe.learning_rate_at(state.steps, steps)
                train_step(state, *batch, lr=lr, precision=config.precision)
                bar.update(len(rows))
                if resume_folder is not None and time.monotonic() - saved > SNAPSHOT_EVERY_S:
                    state.save(resume_folder, key)
                    saved = time.monotonic()
            row = {
                "epoch": epoch,
                **state.training_averages(sum(len(rows) for rows in batches)),
                **_validate(log_probabilities(model, valid.images, device), valid_labels),
                "learning_rate": recipe.learning_rate_at(state.steps - 1, steps),
            }
            diverged = keep_diverged and not losses_are_finite(row)
            if diverged:
                break
            state.finish_epoch(row, desc)
            logger.metrics({name: row[column] for name, column in METRICS.items()}, epoch)
            if resume_folder is not None:
                state.save(resume_folder, key)
                saved = time.monotonic()
            bar.set_postfix({"epoch": epoch, "valid_accuracy": f"{row['valid_accuracy']:.3f}"}, refresh=False)
            stopped = stop_after_epoch(epoch, row)

    model.load_state_dict(state.best)
    chosen = best_epoch(state.accuracies)
    log_probs = log_probabilities(model, valid.images, device)
    _log_errors(logger, log_probs, valid, chosen)
    history = pd.DataFrame(state.history, columns=list(HISTORY_COLUMNS))
    health = classifier_health(
        history, chosen, log_probs[:, 1].exp().numpy(), valid_labels, seed=seed, diverged=diverged
    )
    return TrainedClassifier(recipe.network, size_px, model.cpu().eval(), history, chosen, health, fresh)


def _new_state(
    config: TrainClassifierConfig, size_px: int, device: torch.device
) -> tuple[TrainingState, list[str] | None]:
    """Return network and optimiser, and the names of the tensors that are not from the pretrained weights."""
    recipe = config.recipe
    model = build_classifier(recipe.network, size_px, config.seed, recipe.initialisation)
    fresh = (
        fill_from_file(model, recipe.network, Path(recipe.weights_file), recipe.weights_sha256)
        if recipe.weights_file is not None
        else None
    )
    order = memory_format(channels_last=config.channels_last)
    model = model.to(device).to(memory_format=order)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    state = TrainingState(model, optimizer)
    state.keep()
    return state, fresh


def train_step(state: TrainingState, images: Tensor, labels: Tensor, *, lr: float, precision: str) -> None:
    """Take one optimiser step.

    Args:
        state: The training; its model, optimiser and counters change.
        images: Batch, float32 (N, 3, H, W), on the device.
        labels: Classes, int64 (N,), on the device.
        lr: Learning rate.
        precision: ``bf16`` runs the layers under autocast in bfloat16; ``fp32`` does not.
    """
    for group in state.optimizer.param_groups:
        group["lr"] = lr
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        log_probs = state.model(images)
    loss = functional.nll_loss(log_probs, labels, reduction="sum")
    state.optimizer.zero_grad()
    (loss / len(labels)).backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    state.add_step(loss.detach(), (log_probs.detach().argmax(1) == labels).sum())


def _log_errors(logger: MetricLogger, log_probs: Tensor, valid: PatchSet, epoch: int) -> None:
    errors = hardest_errors(log_probs, valid.classes)
    if len(errors) > 0:
        logger.image("misclassified", patch_grid(valid.images[errors], _GRID_COLUMNS, scale=2), epoch)


def hardest_errors(log_probs: Tensor, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the misclassified patches, the most confident errors first, at most 64.

    Args:
        log_probs: Log-probabilities, float64 (N, 2).
        labels: Classes, int64 (N,).

    Returns:
        Row numbers, int64; equally confident errors in the order of their rows.
    """
    target = torch.from_numpy(np.array(labels))
    of_target = log_probs.gather(1, target[:, None])[:, 0].numpy()  # (N, 2) -> (N,)
    wrong = np.flatnonzero(log_probs.argmax(1).numpy() != labels)
    return wrong[np.argsort(of_target[wrong], kind="stable")][:_MISCLASSIFIED].astype(np.int64)


def _validate(log_probs: Tensor, labels: NDArray[np.int64]) -> dict[str, float]:
    target = torch.from_numpy(np.array(labels))
    return {
        "valid_loss": float(functional.nll_loss(log_probs, target)),
        "valid_accuracy": float((log_probs.argmax(1) == target).double().mean()),
    }


def _resume_key(
    config: TrainClassifierConfig, device: torch.device, train: PatchSet, valid: PatchSet
) -> dict[str, Any]:
    digest = hashlib.sha256()
    for array in (train.images, train.classes, valid.images, valid.classes):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return {
        # The path of the pretrained weights does not matter, only their SHA-256.
        "config": config.model_dump(mode="json", exclude={"recipe": {"weights_file"}}),
        "device": device.type,
        "threads": torch.get_num_threads(),
        "libraries": library_versions("torch", "numpy"),
        "data": digest.hexdigest(),
    }
