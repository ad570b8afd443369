"""A search over a toy task; as a script, a study whose processes are killed."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch

from pathgen.patches.store import PatchSet
from pathgen.studies.tuning.objective import Task
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.storage import open_storage, open_study
from pathgen.studies.tuning.worker import work
from pathgen.studies.tuning.worker_pool import run_crew

RATE = "train_classifier.classifiers.toy.learning_rate"
PARAMS: dict[str, Any] = {
    "pipeline": {"classifiers": ["other"], "generators": ["dcgan"]},
    "extract": {"size_px": 16},
    "sample": {"per_class": {"train": 20}},
    "synthesise": {"seed": 1, "per_class": 40, "batch_size": 8, "best_of": 1}
    | {"stylegan2": {"truncation_psi": 1.0, "noise": "random"}},
    "compute": {"precision": "fp32", "channels_last": True},
    "train_classifier": {
        "regimes": {"mixed_original": 0.5, "mixed_synthetic": 0.5, "validate_on": "original"},
        "classifiers": {
            "toy": {
                "network": "cnn6",
                "batch_size": 16,
                "max_epochs": 3,
                "patience": 3,
                "learning_rate": 0.05,
                "momentum": 0.9,
                "weight_decay": 0.0005,
                "lr_schedule": "cosine",
                "augment": "none",
            }
        },
    },
}
SETTINGS: dict[str, Any] = {
    "regime": "synthetic",
    "classifier": "toy",
    "generator": "dcgan",
    "trials": 8,
    "seeds": [1, 2],
    "seed": 3,
    "sampler": "tpe",
    "startup_trials": 3,
    "prune_below": 0.8,
    "prune_after_trials": 2,
    "prune_after_epochs": 1,
    "threads": 1,
    "space": [
        {"field": RATE, "low": 0.001, "high": 0.1, "scale": "log"},
        {"field": "synthesise.per_class", "choices": [24, 40]},
        {
            "field": "train_classifier.classifiers.toy",
            "variants": {
                "cosine": {"lr_schedule": "cosine", "lr_step_steps": None, "lr_gamma": None},
                "step": {"lr_schedule": "step", "lr_step_steps": 4, "lr_gamma": 0.5},
            },
        },
    ],
}
WORKERS = TuningWorkSettings(workers=3, storage="sqlite", beat_s=0.2, dead_after_s=1.0, tries=4)


def settings(**changed: Any) -> TuningSettings:
    return TuningSettings.model_validate({**SETTINGS, **changed})


def patches(count: int, seed: int) -> PatchSet:
    """Noise; tumor (every second one) is a little darker in the middle."""
    generator = np.random.default_rng(seed)
    images = generator.integers(60, 200, (count, 16, 16, 3)).astype(np.uint8)
    images[1::2, 4:12, 4:12] -= 40
    return PatchSet(images, pd.DataFrame({"label": ["normal", "tumor"] * (count // 2)}))


def toy_task(params: Mapping[str, Any] = PARAMS) -> Task:
    torch.set_num_threads(1)
    drawn = patches(80, 3)
    return Task(
        params=params,
        regime="synthetic",
        classifier="toy",
        seeds=[1, 2],
        train=patches(40, 1),
        valid=patches(60, 2),
        drawn={"normal": drawn.images[::2], "tumor": drawn.images[1::2]},
        device=torch.device("cpu"),
        precision="fp32",
        channels_last=True,
    )


class Record:
    """A trial's record that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float, int]] = []
        self.tags: dict[str, str] = {}

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.told += [(key, value, step) for key, value in values.items()]

    def tag(self, key: str, value: str) -> None:
        self.tags[key] = value


@contextmanager
def unrecorded(slot: int, values: Mapping[str, Any]) -> Iterator[Record]:
    yield Record()


def toy_study(folder: Path, storage: str = "sqlite", *, create: bool = True) -> optuna.Study:
    return open_study(open_storage(storage, folder), "toy", create=create)


def run_alone(study: optuna.Study, folder: Path, **changed: Any) -> int:
    """Be the only worker, in this process."""
    folder.mkdir(parents=True, exist_ok=True)
    return work(
        study, toy_task(), settings(**changed), WORKERS, folder=folder, open_run=unrecorded, parent=None
    )


def main() -> None:
    place, *parent = sys.argv[1:]
    folder = Path(place)
    if parent:
        study = toy_study(folder, create=False)
        work(
            study, toy_task(), settings(), WORKERS, folder=folder, open_run=unrecorded, parent=int(parent[1])
        )
    else:
        command = [sys.executable, __file__, str(folder)]
        run_crew(toy_study(folder), trials=8, workers=3, tries=4, command=command, logs=folder)


if __name__ == "__main__":
    main()
