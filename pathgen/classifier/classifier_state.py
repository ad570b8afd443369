"""State of a classifier's training, and its snapshot for exact resume."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pathgen.core.errors import PathgenError
from pathgen.training.checkpoint import load_snapshot, save_snapshot


class NonFiniteLoss(PathgenError):
    """The loss is NaN or infinite."""


@dataclass
class TrainingState:
    """State of a training between two optimiser steps.

    Attributes:
        model: The network, on the device.
        optimizer: SGD over its weights.
        best: Weights of the best epoch so far, the initial ones before the first epoch has ended.
        history: One row per finished epoch.
        steps: Number of optimiser steps taken.
        losses: Summed loss of each batch of the current epoch, on the device.
        hits: Number of correctly classified patches of each of these batches, on the device.
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
        """Count one optimiser step with its summed loss and its number of correct patches."""
        self.losses.append(loss)
        self.hits.append(hits)
        self.steps += 1

    def training_averages(self, count: int) -> dict[str, float]:
        """Return loss and accuracy of the current epoch, averaged over its `count` patches."""
        return {"train_loss": _total(self.losses) / count, "train_accuracy": _total(self.hits) / count}

    def finish_epoch(self, row: dict[str, float], desc: str) -> None:
        """Append the epoch's row to the history; keep the weights when the epoch is the best so far.

        Raises:
            NonFiniteLoss: The training or validation loss is not finite.
        """
        if not losses_are_finite(row):
            reason = f"the loss is not a finite number in epoch {row['epoch']}"
            raise NonFiniteLoss(desc, reason, "Lower the classifier's learning_rate")
        self.history.append(row)
        self.losses, self.hits = [], []
        if best_epoch(self.accuracies) == len(self.history):
            self.keep()

    def keep(self) -> None:
        """Keep the weights as they are now as the best ones."""
        self.best = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def save(self, folder: Path, key: dict[str, Any]) -> None:
        """Write a snapshot, see `save_snapshot`."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": self.history,
            "steps": self.steps,
            "losses": self.losses,
            "hits": self.hits,
        }
        save_snapshot(folder, state, key)

    def restore(self, folder: Path, key: dict[str, Any], device: torch.device) -> None:
        """Load the snapshot of `save`, if there is one; losses and hits go to `device`.

        Raises:
            PathgenError: The snapshot is damaged or belongs to another training.
        """
        state = load_snapshot(folder, key)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.history, self.steps = state["best"], state["history"], state["steps"]
        self.losses, self.hits = ([one.to(device) for one in state[name]] for name in ("losses", "hits"))


def losses_are_finite(row: Mapping[str, float]) -> bool:
    """Return whether training and validation loss of an epoch are finite."""
    return math.isfinite(row["train_loss"]) and math.isfinite(row["valid_loss"])


def _total(batches: list[Tensor]) -> float:
    """Return the sum over the batches in float64, copied from the device once."""
    return float(torch.stack(batches).cpu().double().sum())


def best_epoch(accuracies: Sequence[float]) -> int:
    """Return the number of the first epoch, from 1, with the best validation accuracy; 0 without epochs."""
    return 1 + max(range(len(accuracies)), key=lambda number: (accuracies[number], -number), default=-1)


def should_stop(accuracies: Sequence[float], max_epochs: int, patience: int) -> bool:
    """Return whether the training stops.

    Args:
        accuracies: Validation accuracy of each epoch so far.
        max_epochs: Maximum number of epochs.
        patience: Number of epochs after the best one without a better one; an equal one is not better.
    """
    done = len(accuracies)
    return done >= max_epochs or (done > 0 and done - best_epoch(accuracies) >= patience)
