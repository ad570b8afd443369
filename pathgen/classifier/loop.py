"""Train a classifier: SGD, early stopping, exact resume."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pathgen.classifier.dataloader import DeviceDataset
from pathgen.classifier.lr_schedule import batches, best_epoch, is_over, learning_rates
from pathgen.classifier.prediction import log_probabilities
from pathgen.classifier.registry import build_classifier, fill_from_file
from pathgen.classifier.settings import Augment, Schedule
from pathgen.classifier.training_state import TrainingState
from pathgen.core.progress import progress
from pathgen.core.seeding import derive_seed
from pathgen.patches.image_grid import patch_grid
from pathgen.training.metric_logger import MetricLogger

HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "learning_rate",
)
_METRICS = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "train/learning_rate": "learning_rate",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
}
_MISCLASSIFIED = 64
_GRID_COLUMNS = 8
_VECTOR = 16  # float32 numbers in the widest registers, those of AVX-512
# How long a kill may set a long epoch back; snapshots change no result.
_SNAPSHOT_EVERY_S = 300.0


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier with the weights of its best epoch.

    Attributes:
        classifier: Name of its network.
        image_size_px: Side of the patches it takes, in pixels.
        model: The network, on the CPU, in evaluation mode.
        history: One row per epoch, columns `HISTORY_COLUMNS`. Training loss and accuracy are averages
            over all patches while the weights change; those of validation are taken after the epoch.
            Loss: mean negative log-likelihood, natural logarithm. The learning rate is that of the
            epoch's last step.
        best_epoch: Number of the epoch whose weights were kept, from 1.
        fresh: Names of the tensors that did not come from the file of pretrained weights; None without one.
    """

    classifier: str
    image_size_px: int
    model: nn.Module
    history: pd.DataFrame
    best_epoch: int
    fresh: list[str] | None


def train_classifier(
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.int64],
    valid_images: NDArray[np.uint8],
    valid_labels: NDArray[np.int64],
    *,
    classifier: str,
    batch_size: int,
    max_epochs: int,
    patience: int,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    lr_step_steps: int | None,
    lr_gamma: float | None,
    seed: int,
    device: torch.device,
    precision: Literal["fp32", "bf16"],
    channels_last: bool,
    resume_folder: Path | None,
    recorder: MetricLogger,
    what: str,
    lr_schedule: Schedule = "step",
    augment: Augment = "none",
    weights_file: str | None = None,
    weights_sha256: str | None = None,
    max_steps: int | None = None,
    epoch_patches: int | None = None,
    stop_after_epoch: Callable[[int, dict[str, float]], bool] | None = None,
) -> TrainedClassifier:
    """Train a classifier and keep the weights of the epoch with the best validation accuracy.

    The order of the patches depends on `seed` and the epoch alone, the first weights on `seed` alone;
    no global random state is used. The same arguments on the same machine with the same number of
    threads give the same weights, also when the process is killed and started again in between.

    Args:
        train_images: uint8 of shape (N, H, W, 3), H = W; may be mapped from disk.
        train_labels: int64 of shape (N,); 0 normal, 1 tumor.
        valid_images: uint8 of shape (M, H, W, 3).
        valid_labels: int64 of shape (M,).
        classifier: Name of a file of `pathgen.classifier.networks`, e.g. ``"cnn6"``.
        batch_size: Patches per optimiser step; the last batch of an epoch may be smaller.
        max_epochs: Most passes over the training patches.
        patience: Stop after this many epochs without a better validation accuracy.
        learning_rate: Of SGD, at the start.
        momentum: Of SGD.
        weight_decay: Of SGD (L2, added to the gradient).
        lr_step_steps: For ``step``: optimiser steps after which the learning rate is multiplied by
            `lr_gamma`.
        lr_gamma: See there.
        seed: Decides first weights, order, augmentation, and what a network draws while it is trained.
        device: Where to compute.
        precision: ``bf16``: layers in bfloat16 while training; weights, losses and validation always in
            float32.
        channels_last: Whether weights and activations lie in memory channels last.
        resume_folder: Where to keep a snapshot after each epoch, and every five minutes within one, and to
            go on from; None keeps none. The caller removes it when the result is safe.
        recorder: Told ``train/loss``, ``train/accuracy``, ``valid/loss``, ``valid/accuracy`` and
            ``train/learning_rate`` at each epoch (an epoch cut off by a kill may be told twice, with
            equal numbers), and at the end the picture ``misclassified``: the up to 64 validation
            patches that the kept weights get most confidently wrong.
        what: Name of the work for progress and messages, e.g. ``"train original-cnn6-1"``.
        lr_schedule: ``step``, or ``cosine``: half a cosine from `learning_rate` to 0 over the most steps.
        augment: How training patches are changed, see `ClassifierSettings.augment`.
        weights_file: Pretrained weights, see `fill_from_file`; None: all weights are fresh.
        weights_sha256: Of that file.
        max_steps: Most optimiser steps; an epoch that they cut short is validated like a whole one. None:
            `max_epochs` alone is the limit.
        epoch_patches: How many patches make an epoch, see `batches`; None: all of them, once. With it,
            trainings on sets of different sizes are validated after equally many steps.
        stop_after_epoch: Told each epoch's number, from 1, and its row of the history, when the epoch is
            in the snapshot; the training ends when it answers True. After a restart it is told the epochs
            of the snapshot again. What it raises ends the training, too; the snapshot stays.

    Returns:
        The classifier and its history.

    Raises:
        PathgenError: The loss is not a finite number, there is no such network, the pretrained weights do
            not fit it, or the snapshot belongs to another training.

    Source: the published study (cross-entropy as log-softmax and negative log-likelihood; early
    stopping on validation accuracy; best-validation checkpoint). Departure: the loss is a mean over
    patches, not over batches of unequal size.
    """
    assert len(train_images) == len(train_labels) > 0, (len(train_images), len(train_labels))
    assert len(valid_images) == len(valid_labels) > 0, (len(valid_images), len(valid_labels))
    size_px = train_images.shape[1]
    model = build_classifier(classifier, size_px, seed)
    given = None if weights_file is None else Path(weights_file)
    fresh = None if given is None else fill_from_file(model, classifier, given, weights_sha256)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(device).to(memory_format=layout)  # type: ignore[call-overload]
    run = TrainingState(
        model,
        sgd(model, device, learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay),
    )
    key: dict[str, Any] = {}
    if resume_folder is not None:
        key = {
            "classifier": classifier,
            "weights_sha256": weights_sha256,
            "image_size_px": size_px,
            "batch_size": batch_size,
            "max_epochs": max_epochs,
            "max_steps": max_steps,
            "epoch_patches": epoch_patches,
            "patience": patience,
            "learning_rate": learning_rate,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "lr_schedule": lr_schedule,
            "lr_step_steps": lr_step_steps,
            "lr_gamma": lr_gamma,
            "augment": augment,
            "seed": seed,
            "device": device.type,
            "threads": torch.get_num_threads(),
            "precision": precision,
            "channels_last": channels_last,
            "data": _digest(train_images, train_labels, valid_images, valid_labels),
        }
        run.restore(resume_folder, key, device)

    count = len(train_images) if epoch_patches is None else epoch_patches
    epoch_steps = -(-count // batch_size)
    steps = max_epochs * epoch_steps if max_steps is None else min(max_epochs * epoch_steps, max_steps)
    rate_at = learning_rates(lr_schedule, learning_rate, steps, lr_step_steps, lr_gamma)
    feed = DeviceDataset(
        train_images, train_labels, device=device, channels_last=channels_last, augment=augment, seed=seed
    )
    stopped = stop_after_epoch is not None and any(
        stop_after_epoch(number, row) for number, row in enumerate(run.history, start=1)
    )
    planned = min(max_epochs * count, steps * batch_size)
    done = min(planned, len(run.history) * count + len(run.losses) * batch_size)
    gpus = [] if device.type == "cpu" else [device]
    with progress(planned, "patches", what, done=done) as bar, torch.random.fork_rng(devices=gpus):
        saved = time.monotonic()
        while not (stopped or run.steps == steps or is_over(run.accuracies, max_epochs, patience)):
            epoch, begun = len(run.history) + 1, len(run.losses)
            batch_order = list(batches(len(train_images), batch_size, seed, epoch, epoch_patches))
            batch_order = batch_order[: steps - run.steps + begun]
            model.train()
            for rows in batch_order[begun:]:
                # What layers draw themselves, as dropout does.
                torch.manual_seed(derive_seed(seed, "draws", run.steps))
                train_step(run, *feed.batch(rows, run.steps), rate_at(run.steps), precision)
                bar.update(len(rows))
                if resume_folder is not None and time.monotonic() - saved > _SNAPSHOT_EVERY_S:
                    run.save(resume_folder, key)
                    saved = time.monotonic()
            row = {
                "epoch": epoch,
                **run.training_averages(sum(len(rows) for rows in batch_order)),
                **_validation(log_probabilities(model, valid_images, device), valid_labels),
                "learning_rate": rate_at(run.steps - 1),
            }
            run.finish_epoch(row, what)
            recorder.metrics({name: row[column] for name, column in _METRICS.items()}, epoch)
            if resume_folder is not None:
                run.save(resume_folder, key)
                saved = time.monotonic()
            bar.set_postfix(epoch=epoch, valid_accuracy=f"{row['valid_accuracy']:.3f}")
            stopped = stop_after_epoch is not None and stop_after_epoch(epoch, row)

    model.load_state_dict(run.best)
    chosen = best_epoch(run.accuracies)
    wrong = hardest_errors(log_probabilities(model, valid_images, device), valid_labels)
    if len(wrong) > 0:
        recorder.image("misclassified", patch_grid(valid_images[wrong], _GRID_COLUMNS, scale=2), chosen)
    history = pd.DataFrame(run.history, columns=list(HISTORY_COLUMNS))
    return TrainedClassifier(classifier, size_px, model.cpu().eval(), history, chosen, fresh)


def hardest_errors(logarithms: Tensor, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are called the other class, the most confident first, at most 64.

    Args:
        logarithms: Log-probabilities, float64 of shape (N, 2).
        labels: int64 of shape (N,).

    Returns:
        Row numbers, int64; of equally confident ones the first row first.
    """
    truth = torch.from_numpy(np.array(labels))
    own = logarithms.gather(1, truth[:, None])[:, 0].numpy()  # (N, 2) -> (N,)
    wrong = np.flatnonzero(logarithms.argmax(1).numpy() != labels)
    return wrong[np.argsort(own[wrong], kind="stable")][:_MISCLASSIFIED].astype(np.int64)


def sgd(
    model: nn.Module, device: torch.device, *, learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.SGD:
    """Return the optimiser of a model that lies on a device.

    On the CPU most tensors have torch's fused steps, which walk through weights, gradients and momenta once
    in place of four times, to the same bits.
    """
    groups: list[dict[str, Any]] = [{"params": list(model.parameters())}]
    if device.type == "cpu":
        # The last numbers of a tensor that fills no whole vector of the processor would be rounded otherwise.
        whole = [tensor for tensor in model.parameters() if tensor.numel() % _VECTOR == 0]
        rest = [tensor for tensor in model.parameters() if tensor.numel() % _VECTOR != 0]
        groups = [{"params": whole, "fused": True}, {"params": rest, "fused": False}]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )


def train_step(run: TrainingState, images: Tensor, labels: Tensor, rate: float, precision: str) -> None:
    """Take one optimiser step."""
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        logarithms = run.model(images)
    loss = functional.nll_loss(logarithms, labels, reduction="sum")
    run.optimizer.zero_grad()
    (loss / len(labels)).backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    run.add_step(loss.detach(), (logarithms.detach().argmax(1) == labels).sum())


def _validation(logarithms: Tensor, labels: NDArray[np.int64]) -> dict[str, float]:
    truth = torch.from_numpy(np.array(labels))
    return {
        "valid_loss": float(functional.nll_loss(logarithms, truth)),
        "valid_accuracy": float((logarithms.argmax(1) == truth).double().mean()),
    }


def _digest(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
