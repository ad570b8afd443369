"""What a configuration is worth: trained with every seed, judged on the original validation patches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.classifier.loop import train_classifier
from pathgen.classifier.regimes import Regime, build_regime
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import PathgenError
from pathgen.core.labels import Label
from pathgen.core.params import parse_section
from pathgen.patches.store import PatchSet
from pathgen.training.metric_logger import MetricLogger

# What `train_classifier` says of a loss that is not a number.
_NO_NUMBER = "the loss is not a finite number"


@dataclass(frozen=True)
class Task:
    """What all trials of a study share.

    Attributes:
        params: The whole params file, plain.
        regime: What is trained on.
        classifier: Name of the classifier in the params.
        seeds: One training each.
        train: The original training patches.
        valid: The original validation patches.
        drawn: Label to the synthetic patches, uint8 (N, H, W, 3), as many as any trial takes; empty for the
            regime ``original``. A trial with ``synthesise.per_class`` n takes the first n.
        device: Where to compute.
        precision: See `train_classifier`.
        channels_last: See `train_classifier`.
    """

    params: Mapping[str, Any]
    regime: Regime
    classifier: str
    seeds: Sequence[int]
    train: PatchSet
    valid: PatchSet
    drawn: Mapping[Label, NDArray[np.uint8]]
    device: torch.device
    precision: Literal["fp32", "bf16"]
    channels_last: bool

    def synthetic(self, per_class: int) -> dict[str, PatchSet]:
        """Return the first synthetic patches of each label."""
        return {
            label: PatchSet(images[:per_class], pd.DataFrame({"label": [label] * per_class}))
            for label, images in self.drawn.items()
        }


class Worthless(Exception):
    """The loss of a configuration is not a finite number; the trial ends, the study goes on."""


def score(
    task: Task,
    params: Mapping[str, Any],
    *,
    what: str,
    resume_folder: Path | None,
    recorder_of: Callable[[int], MetricLogger],
    after_epoch: Callable[[int, int, float], None],
) -> list[float]:
    """Train a configuration with every seed.

    The same configuration gives the same numbers on the same machine with the same number of threads.

    Args:
        task: What all trials share.
        params: The whole params file with the configuration's fields in place.
        what: Name of the work for progress and messages.
        resume_folder: Where unfinished trainings keep their snapshots; finished seeds their results. The
            caller removes it when the result is safe. None keeps none.
        recorder_of: Seed to who is told of its training.
        after_epoch: Told the place of the seed, the epoch, and the mean over the seeds so far of the best
            validation accuracy so far. What it raises ends the trial.

    Returns:
        Best accuracy on the original validation patches of each seed, in [0, 1].

    Raises:
        PathgenError: The configuration is not valid, or its patches are not there.
        Worthless: The loss is not a finite number.
    """
    settings = parse_section(dict(params), "train_classifier", TrainClassifierSettings)
    if settings.regimes.validate_on != "original":
        raise PathgenError(
            "train_classifier.regimes.validate_on",
            f"is {settings.regimes.validate_on}: a study compares on original validation patches only",
            "Set it to original",
        )
    recipe = settings.of(task.classifier).arguments()
    sets = task.synthetic(params["synthesise"]["per_class"])
    scores: list[float] = []
    for place, seed in enumerate(task.seeds):
        train, valid = build_regime(
            task.regime,
            task.train,
            task.valid,
            sets,
            **settings.regimes.model_dump(),
            seed=seed,
        )
        bests: list[float] = []

        def tell(epoch: int, row: dict[str, float], place: int = place, bests: list[float] = bests) -> bool:
            bests.append(max([row["valid_accuracy"], *bests[-1:]]))
            after_epoch(place, epoch, float(np.mean([*scores, bests[-1]])))
            return False

        try:
            trained = train_classifier(
                train.images,
                train.labels,
                valid.images,
                valid.labels,
                **recipe,
                seed=seed,
                device=task.device,
                precision=task.precision,
                channels_last=task.channels_last,
                resume_folder=None if resume_folder is None else resume_folder / str(seed),
                recorder=recorder_of(seed),
                what=f"{what}, seed {seed}",
                stop_after_epoch=tell,
            )
        except PathgenError as problem:
            if not problem.reason.startswith(_NO_NUMBER):
                raise
            raise Worthless(problem.reason) from None
        scores.append(float(trained.history["valid_accuracy"].max()))
    return scores
