"""A toy task and a training of it; as a script, a training that kills itself."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from pathgen.classifier import classifier_loop
from pathgen.classifier.classifier_loop import TrainedClassifier, train_classifier
from pathgen.classifier.classifier_state import TrainingState
from pathgen.classifier.settings import ClassifierSettings, TrainClassifierConfig
from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet
from pathgen.training.metric_logger import NullLogger

RECIPE: dict[str, Any] = {
    "network": "cnn6",
    "batch_size": 16,
    "max_epochs": 3,
    "patience": 3,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "lr_schedule": "step",
    "lr_step_steps": 10,
    "lr_gamma": 0.5,
    "augment": "none",
}


def toy_patches(count: int, seed: int) -> PatchSet:
    """Noise; tumor (every second patch) is darker in the middle."""
    generator = np.random.default_rng(seed)
    images = generator.integers(100, 200, (count, 16, 16, 3)).astype(np.uint8)
    images[1::2, 4:12, 4:12] -= 80
    return PatchSet(images, pd.DataFrame({"label": [LABELS[number % 2] for number in range(count)]}))


def toy_config(**changes: Any) -> TrainClassifierConfig:
    """Configure the training of the toy task; changes are fields of the recipe or of the configuration."""
    recipe = {name: changes.pop(name) for name in list(changes) if name in ClassifierSettings.model_fields}
    arithmetic: dict[str, Any] = {"seed": 1, "precision": "fp32", "channels_last": True}
    return TrainClassifierConfig(
        recipe=ClassifierSettings(**{**RECIPE, **recipe}), **{**arithmetic, **changes}
    )


def train_toy(**changes: Any) -> TrainedClassifier:
    """Train on 90 toy patches, validate on 40."""
    arguments: dict[str, Any] = {
        "device": torch.device("cpu"),
        "resume_folder": None,
        "logger": NullLogger(),
        "desc": "train toy",
        "stop_after_epoch": lambda _epoch, _row: False,
        "keep_diverged": False,
    }
    patches = changes.pop("patches", (toy_patches(90, 1), toy_patches(40, 2)))
    arguments |= {name: changes.pop(name) for name in arguments if name in changes}
    return train_classifier(*patches, toy_config(**changes), **arguments)


def kill_in_step(step: int) -> None:
    """Write a snapshot after every step, and kill the process at the start of a step."""
    classifier_loop.SNAPSHOT_EVERY_S = -1.0
    plain = classifier_loop.train_step

    def dying(state: TrainingState, *arguments: Any, **options: Any) -> None:
        if state.steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        plain(state, *arguments, **options)

    classifier_loop.train_step = dying


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, step, changes = sys.argv[1:]
    kill_in_step(int(step))
    train_toy(resume_folder=Path(folder), **json.loads(changes))
