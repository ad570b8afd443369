"""A search on toy patches; as a script, one worker of it."""

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
from pathgen.studies.tuning.objective import SearchData
from pathgen.studies.tuning.search import Objective, OpenRun, build_pruner, build_sampler, run_trials
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.storage import create_study, open_storage
from pathgen.training.settings import ComputeSettings

RATE = "train_classifier.classifiers.toy.learning_rate"
PARAMS: dict[str, Any] = {
    "pipeline": {"classifiers": ["other"], "generators": ["dcgan"]},
    "extract": {"size_px": 16},
    "sample": {"per_class": {"train": 20}},
    "synthesise": {"seed": 1, "per_class": 40, "batch_size": 8, "best_of": 1},
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
WORK = TuningWorkSettings(workers=3, storage="sqlite", heartbeat_interval_s=1, grace_period_s=3, max_retry=4)


def settings(**changed: Any) -> TuningSettings:
    return TuningSettings.model_validate({**SETTINGS, **changed})


def patches(count: int, seed: int) -> PatchSet:
    """Return noise; every second patch is labelled tumor and has a darker centre."""
    generator = np.random.default_rng(seed)
    images = generator.integers(60, 200, (count, 16, 16, 3)).astype(np.uint8)
    images[1::2, 4:12, 4:12] -= 40
    return PatchSet(images, pd.DataFrame({"label": ["normal", "tumor"] * (count // 2)}))


def search_data(params: Mapping[str, Any] = PARAMS, **changed: Any) -> SearchData:
    torch.set_num_threads(1)
    synthetic = patches(80, 3)
    return SearchData(
        params=params,
        settings=settings(**changed),
        compute=ComputeSettings(device="cpu", threads=1, precision="fp32", channels_last=True),
        device=torch.device("cpu"),
        train=patches(40, 1),
        valid=patches(60, 2),
        synthetic={"normal": synthetic.images[::2], "tumor": synthetic.images[1::2]},
    )


class Record:
    """Record of a trial that keeps everything in memory."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, float, int]] = []
        self.tags: dict[str, str] = {}

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.logged += [(key, value, step) for key, value in values.items()]

    def tag(self, key: str, value: str) -> None:
        self.tags[key] = value


class Records:
    """Opens the records of trials and keeps them."""

    def __init__(self) -> None:
        self.opened: list[Record] = []

    @contextmanager
    def __call__(self, _number: int, _values: Mapping[str, Any]) -> Iterator[Record]:
        self.opened.append(Record())
        yield self.opened[-1]


def toy_study(folder: Path) -> optuna.Study:
    return create_study(open_storage(WORK, folder), "toy")


def run_worker(
    folder: Path,
    params: Mapping[str, Any] = PARAMS,
    open_run: OpenRun | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
    **changed: Any,
) -> optuna.Study:
    """Run trials in this process until the study is complete."""
    study, data = toy_study(folder), search_data(params, **changed)
    study.sampler = build_sampler(data.settings, 0, len(study.trials))
    study.pruner = pruner or build_pruner(data.settings)
    run_trials(study, Objective(data, folder / "snapshots", open_run or Records()))
    return study


if __name__ == "__main__":
    run_worker(Path(sys.argv[1]))
