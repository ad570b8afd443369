"""Score of a configuration: trained with every seed, judged on the original validation patches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.classifier.classifier_loop import train_classifier
from pathgen.classifier.regimes import build_regime
from pathgen.classifier.settings import TrainClassifierConfig, TrainClassifierSettings
from pathgen.core.params import parse_section
from pathgen.patches.store import PatchSet
from pathgen.studies.tuning.settings import TuningSettings
from pathgen.training.metric_logger import NullLogger
from pathgen.training.settings import ComputeSettings


@dataclass(frozen=True)
class SearchData:
    """Data and settings that all trials of a search share.

    Attributes:
        params: Content of params.yaml.
        settings: Section ``tuning``.
        compute: Section ``compute``.
        device: Device to train on.
        train: Original training patches.
        valid: Original validation patches.
        synthetic: Synthetic patches by label, uint8 (N, H, W, 3), as many as the largest trial needs; empty
            for the regime ``original``. A trial with ``synthesise.per_class`` n uses the first n.
    """

    params: Mapping[str, Any]
    settings: TuningSettings
    compute: ComputeSettings
    device: torch.device
    train: PatchSet
    valid: PatchSet
    synthetic: Mapping[str, NDArray[np.uint8]]


def score(
    data: SearchData,
    params: Mapping[str, Any],
    *,
    desc: str,
    resume_folder: Path | None = None,
    after_epoch: Callable[[dict[str, float], list[float]], None] = lambda _row, _accuracies: None,
) -> list[float]:
    """Train a configuration with every seed.

    Equal configurations give equal scores on the same machine with the same number of threads.

    Args:
        data: Data and settings that all trials share.
        params: Content of params.yaml with the fields of the trial replaced.
        desc: Name of the trial for progress bars and messages.
        resume_folder: Folder for the snapshots of unfinished trainings; the caller removes it. None
            disables snapshots.
        after_epoch: Called after every epoch with its row of the training's history and, for each seed so
            far, its best validation accuracy so far. An exception raised by it ends the trial.

    Returns:
        Best accuracy on the original validation patches of each seed, in [0, 1].

    Raises:
        PathgenErrors: The configuration is not valid.
        NonFiniteLoss: The training has diverged.
    """
    settings = parse_section(dict(params), "train_classifier", TrainClassifierSettings)
    count = params["synthesise"]["per_class"]
    synthetic = {
        label: PatchSet(images[:count], pd.DataFrame({"label": [label] * count}))
        for label, images in data.synthetic.items()
    }
    scores: list[float] = []
    for seed in data.settings.seeds:
        train, valid = build_regime(
            data.settings.regime, data.train, data.valid, synthetic, settings.regimes, seed
        )
        best = 0.0

        def finish_epoch(_epoch: int, row: dict[str, float]) -> bool:
            nonlocal best
            best = max(best, row["valid_accuracy"])
            after_epoch(row, [*scores, best])
            return False

        trained = train_classifier(
            train,
            valid,
            TrainClassifierConfig(
                recipe=settings.of(data.settings.classifier),
                seed=seed,
                precision=data.compute.precision,
                channels_last=data.compute.channels_last,
            ),
            device=data.device,
            resume_folder=None if resume_folder is None else resume_folder / str(seed),
            logger=NullLogger(),
            desc=f"{desc}, seed {seed}",
            stop_after_epoch=finish_epoch,
        )
        scores.append(float(trained.history["valid_accuracy"].max()))
    return scores
