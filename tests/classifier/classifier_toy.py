"""A toy task, and a training of it, for the tests of this folder; as a script, a training that is killed."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.classifier import loop
from pathgen.classifier.loop import TrainedClassifier, train_classifier
from pathgen.classifier.training_state import TrainingState
from pathgen.training.metric_logger import NullLogger


def toy_patches(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise; tumor (every second one) is darker in the middle."""
    generator = np.random.default_rng(seed)
    images = generator.integers(100, 200, (count, 16, 16, 3)).astype(np.uint8)
    labels = (np.arange(count) % 2).astype(np.int64)
    images[labels == 1, 4:12, 4:12] -= 80
    return images, labels


def train_toy(**changed: Any) -> TrainedClassifier:
    """Train on 90 toy patches, validate on 40."""
    arguments: dict[str, Any] = {
        "classifier": "cnn6",
        "batch_size": 16,
        "max_epochs": 3,
        "patience": 3,
        "learning_rate": 0.05,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "lr_step_steps": 10,
        "lr_gamma": 0.5,
        "seed": 1,
        "device": torch.device("cpu"),
        "precision": "fp32",
        "channels_last": True,
        "resume_folder": None,
        "recorder": NullLogger(),
        "what": "train toy",
    }
    patches = changed.pop("patches", (*toy_patches(90, 1), *toy_patches(40, 2)))
    return train_classifier(*patches, **{**arguments, **changed})


class KillBeforeEpochEnds:
    """A recorder that ends its own process as ``kill -9`` does, when an epoch's numbers come."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Die at the chosen epoch."""
        if step == self.epoch:
            os.kill(os.getpid(), signal.SIGKILL)

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Drop the picture."""


def kill_in_step(step: int) -> None:
    """Keep a snapshot after every step, and die as the step after so many begins."""
    loop._SNAPSHOT_EVERY_S = -1.0  # type: ignore[attr-defined]
    taken = loop.train_step

    def dying(run: TrainingState, *arguments: Any) -> None:
        if run.steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        taken(run, *arguments)

    loop.train_step = dying


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, unit, number, changes = sys.argv[1:]
    if unit == "step":
        kill_in_step(int(number))
    epoch = int(number) if unit == "epoch" else 0
    train_toy(resume_folder=Path(folder), recorder=KillBeforeEpochEnds(epoch), **json.loads(changes))
