"""All of a classifier's training that changes from step to step, and its snapshot."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pathgen.classifier.lr_schedule import best_epoch
from pathgen.core.errors import PathgenError
from pathgen.training.checkpoint import Snapshot, fill_module, flatten_state, load_optimizer, restore_state

_DAMAGED = "Delete the folder; the training then starts over"


class NonFiniteLoss(PathgenError):
    """A loss is NaN or infinite: the training has diverged."""


@dataclass
class TrainingState:
    """A training between two steps.

    Attributes:
        model: The network, on the device.
        optimizer: Over its weights.
        best: Weights of the best epoch so far; empty before the first has ended.
        history: One row per finished epoch.
        steps: Optimiser steps taken.
        losses: Summed loss of each batch of the epoch at work; on the device.
        hits: Number of patches that were told right in each of them; on the device.
    """

    model: nn.Module
    optimizer: torch.optim.SGD
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    steps: int = 0
    losses: list[Tensor] = field(default_factory=list)
    hits: list[Tensor] = field(default_factory=list)

    @property
    def accuracies(self) -> list[float]:
        """Validation accuracy of each finished epoch."""
        return [row["valid_accuracy"] for row in self.history]

    def add_step(self, loss: Tensor, hits: Tensor) -> None:
        """Count one optimiser step."""
        self.losses.append(loss)
        self.hits.append(hits)
        self.steps += 1

    def training_averages(self, count: int) -> dict[str, float]:
        """Return loss and accuracy of the epoch at work, averaged over its `count` patches."""
        return {"train_loss": _total(self.losses) / count, "train_accuracy": _total(self.hits) / count}

    def finish_epoch(self, row: dict[str, float], what: str) -> None:
        """Take an epoch's numbers; keep the weights when it is the best so far.

        Args:
            row: The row of the history.
            what: Name of the training.

        Raises:
            NonFiniteLoss: A loss is NaN or infinite.
        """
        if not (math.isfinite(row["train_loss"]) and math.isfinite(row["valid_loss"])):
            reason = f"the loss is not a finite number in epoch {row['epoch']}"
            raise NonFiniteLoss(what, reason, "Lower the classifier's learning_rate")
        self.history.append(row)
        self.losses, self.hits = [], []
        if best_epoch(self.accuracies) == len(self.history):
            self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def save(self, folder: Path, key: dict[str, Any]) -> None:
        """Write a snapshot.

        Args:
            folder: The work folder of this training alone.
            key: What the training depends on.
        """
        tensors, forms = {}, {}
        for name, state in (
            ("model", self.model.state_dict()),
            ("optimizer", self.optimizer.state_dict()),
            ("best", self.best),
            ("losses", torch.stack(self.losses) if self.losses else None),
            ("hits", torch.stack(self.hits) if self.hits else None),
        ):
            own, forms[name] = flatten_state(name, state)
            tensors.update(own)
        Snapshot(tensors, {**forms, "history": self.history, "steps": self.steps}).save(folder, key)

    def restore(self, folder: Path, key: dict[str, Any], device: torch.device) -> None:
        """Go on from the snapshot, where there is one.

        Args:
            folder: See `save`.
            key: See `save`.
            device: Where the losses of the epoch at work belong.

        Raises:
            PathgenError: The snapshot is damaged, or belongs to another training.
        """
        snapshot = Snapshot.load(folder, key)
        if snapshot is None:
            return
        plain = snapshot.plain
        state = {
            name: restore_state(snapshot.tensors, plain[name])
            for name in ("model", "optimizer", "best", "losses", "hits")
        }
        fill_module(self.model, state["model"], folder, _DAMAGED)
        load_optimizer(self.optimizer, state["optimizer"])
        self.best, self.history, self.steps = state["best"], plain["history"], plain["steps"]
        if state["losses"] is not None:
            self.losses = list(state["losses"].to(device).unbind())
            self.hits = list(state["hits"].to(device).unbind())


def _total(parts: list[Tensor]) -> float:
    """Sum over the batches in float64, fetched from the device once."""
    return float(torch.stack(parts).cpu().double().sum())
