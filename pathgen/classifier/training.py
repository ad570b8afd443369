"""Train a classifier: SGD with a stepped learning rate, early stopping, exact resume after every epoch."""

import hashlib
import math
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

from pathgen.checkpoint import Snapshot, fill_module, flatten_state, load_optimizer, restore_state
from pathgen.classifier.prediction import log_probabilities, network_input
from pathgen.classifier.registry import build_classifier
from pathgen.classifier.schedule import batches, best_epoch, is_over, learning_rate_at
from pathgen.errors import PathgenError
from pathgen.patches.picture import patch_grid
from pathgen.progress import progress
from pathgen.recording import Recorder

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
_DAMAGED = "Delete the folder; the training then starts over"


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier with the weights of its best epoch.

    Attributes:
        classifier: Its name in the registry.
        image_size_px: Side of the patches it takes, in pixels.
        model: The network, on the CPU, in evaluation mode.
        history: One row per epoch, columns `HISTORY_COLUMNS`. Training loss and accuracy are averages
            over all patches while the weights change; those of validation are taken after the epoch.
            Loss: mean negative log-likelihood, natural logarithm. The learning rate is that of the
            epoch's last step.
        best_epoch: Number of the epoch whose weights were kept, from 1.
    """

    classifier: str
    image_size_px: int
    model: nn.Module
    history: pd.DataFrame
    best_epoch: int


@dataclass
class _Run:
    """What changes from epoch to epoch, and is saved after each."""

    model: nn.Module
    optimizer: torch.optim.SGD
    best: dict[str, Tensor]
    history: list[dict[str, float]]
    steps: int

    @property
    def accuracies(self) -> list[float]:
        return [row["valid_accuracy"] for row in self.history]

    def finish_epoch(self, row: dict[str, float], what: str) -> None:
        """Take an epoch's numbers; keep the weights when it is the best so far."""
        if not (math.isfinite(row["train_loss"]) and math.isfinite(row["valid_loss"])):
            reason = f"the loss is not a finite number in epoch {row['epoch']}"
            raise PathgenError(what, reason, "Lower train_classifier.learning_rate")
        self.history.append(row)
        if best_epoch(self.accuracies) == len(self.history):
            self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def save(self, folder: Path, key: dict[str, Any]) -> None:
        model, model_form = flatten_state("model", self.model.state_dict())
        moments, moments_form = flatten_state("optimizer", self.optimizer.state_dict())
        best, best_form = flatten_state("best", self.best)
        plain = {
            "model": model_form,
            "optimizer": moments_form,
            "best": best_form,
            "history": self.history,
            "steps": self.steps,
        }
        Snapshot({**model, **moments, **best}, plain).save(folder, key)

    def restore(self, folder: Path, key: dict[str, Any]) -> None:
        snapshot = Snapshot.load(folder, key)
        if snapshot is None:
            return
        tensors, plain = snapshot.tensors, snapshot.plain
        fill_module(self.model, restore_state(tensors, plain["model"]), folder, _DAMAGED)
        load_optimizer(self.optimizer, restore_state(tensors, plain["optimizer"]))
        self.best = restore_state(tensors, plain["best"])
        self.history, self.steps = plain["history"], plain["steps"]


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
    lr_step_steps: int,
    lr_gamma: float,
    seed: int,
    device: torch.device,
    precision: Literal["fp32", "bf16"],
    channels_last: bool,
    resume_folder: Path | None,
    recorder: Recorder,
    what: str,
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
        classifier: Name in the registry, e.g. ``"cnn6"``.
        batch_size: Patches per optimiser step; the last batch of an epoch may be smaller.
        max_epochs: Most passes over the training patches.
        patience: Stop after this many epochs without a better validation accuracy.
        learning_rate: Of SGD, at the start.
        momentum: Of SGD.
        weight_decay: Of SGD (L2, added to the gradient).
        lr_step_steps: Optimiser steps after which the learning rate is multiplied by `lr_gamma`.
        lr_gamma: See there.
        seed: Decides first weights and order.
        device: Where to compute.
        precision: ``bf16``: layers in bfloat16 while training; weights, losses and validation always in
            float32.
        channels_last: Whether weights and activations lie in memory channels last.
        resume_folder: Where to keep a snapshot after each epoch, and to go on from; None keeps none.
            The caller removes it when the result is safe.
        recorder: Told ``train/loss``, ``train/accuracy``, ``valid/loss``, ``valid/accuracy`` and
            ``train/learning_rate`` at each epoch (an epoch cut off by a kill may be told twice, with
            equal numbers), and at the end the picture ``misclassified``: the up to 64 validation
            patches that the kept weights get most confidently wrong.
        what: Name of the work for progress and messages, e.g. ``"train original-cnn6-1"``.
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
        PathgenError: The loss is not a finite number, there is no such classifier, or the snapshot
            belongs to another training.

    Source: the published study (cross-entropy as log-softmax and negative log-likelihood; early
    stopping on validation accuracy; best-validation checkpoint). Departure: the loss is a mean over
    patches, not over batches of unequal size.
    """
    assert len(train_images) == len(train_labels) > 0, (len(train_images), len(train_labels))
    assert len(valid_images) == len(valid_labels) > 0, (len(valid_images), len(valid_labels))
    size_px = train_images.shape[1]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = build_classifier(classifier, size_px, seed).to(device)
    model = model.to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        model.parameters(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay
    )
    run = _Run(model, optimizer, {}, [], 0)
    key: dict[str, Any] = {}
    if resume_folder is not None:
        key = {
            "classifier": classifier,
            "image_size_px": size_px,
            "batch_size": batch_size,
            "max_epochs": max_epochs,
            "max_steps": max_steps,
            "epoch_patches": epoch_patches,
            "patience": patience,
            "learning_rate": learning_rate,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "lr_step_steps": lr_step_steps,
            "lr_gamma": lr_gamma,
            "seed": seed,
            "device": device.type,
            "threads": torch.get_num_threads(),
            "precision": precision,
            "channels_last": channels_last,
            "data": _digest(train_images, train_labels, valid_images, valid_labels),
        }
        run.restore(resume_folder, key)

    count = len(train_images) if epoch_patches is None else epoch_patches
    planned = max_epochs * count if max_steps is None else min(max_epochs * count, max_steps * batch_size)
    done = min(planned, len(run.history) * count)
    stopped = stop_after_epoch is not None and any(
        stop_after_epoch(number, row) for number, row in enumerate(run.history, start=1)
    )
    with progress(planned, "patches", what, done=done) as bar:
        while not (stopped or run.steps == max_steps or is_over(run.accuracies, max_epochs, patience)):
            epoch = len(run.history) + 1
            model.train()
            losses, hits, seen = [], [], 0
            for rows in batches(len(train_images), batch_size, seed, epoch, epoch_patches):
                rate = learning_rate_at(run.steps, learning_rate, lr_step_steps, lr_gamma)
                images = network_input(train_images[rows], device).contiguous(memory_format=layout)
                labels = torch.from_numpy(train_labels[rows]).to(device)
                loss, hit = _step(model, optimizer, images, labels, rate, precision)
                losses.append(loss)
                hits.append(hit)
                run.steps += 1
                seen += len(rows)
                bar.update(len(rows))
                if run.steps == max_steps:
                    break
            row = {
                "epoch": epoch,
                "train_loss": _total(losses) / seen,
                "train_accuracy": _total(hits) / seen,
                **_validation(log_probabilities(model, valid_images, device), valid_labels),
                "learning_rate": rate,
            }
            run.finish_epoch(row, what)
            recorder.metrics({name: row[column] for name, column in _METRICS.items()}, epoch)
            if resume_folder is not None:
                run.save(resume_folder, key)
            bar.set_postfix(epoch=epoch, valid_accuracy=f"{row['valid_accuracy']:.3f}")
            stopped = stop_after_epoch is not None and stop_after_epoch(epoch, row)

    model.load_state_dict(run.best)
    chosen = best_epoch(run.accuracies)
    wrong = most_wrong(log_probabilities(model, valid_images, device), valid_labels)
    if len(wrong) > 0:
        recorder.image("misclassified", patch_grid(valid_images[wrong], _GRID_COLUMNS, scale=2), chosen)
    history = pd.DataFrame(run.history, columns=list(HISTORY_COLUMNS))
    return TrainedClassifier(classifier, size_px, model.cpu().eval(), history, chosen)


def most_wrong(logarithms: Tensor, labels: NDArray[np.int64]) -> NDArray[np.int64]:
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


def _step(
    model: nn.Module, optimizer: torch.optim.SGD, images: Tensor, labels: Tensor, rate: float, precision: str
) -> tuple[Tensor, Tensor]:
    """Take one optimiser step; return the batch's summed loss and its number of hits, on the device."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
        logarithms = model(images)
    loss = functional.nll_loss(logarithms, labels, reduction="sum")
    optimizer.zero_grad()
    (loss / len(labels)).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach(), (logarithms.detach().argmax(1) == labels).sum()


def _total(parts: list[Tensor]) -> float:
    """Sum over the batches in float64, fetched from the device once."""
    return float(torch.stack(parts).cpu().double().sum())


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
