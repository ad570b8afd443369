"""One point of the sweep: private generators of both classes, what they draw, and what is drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.labels import LABELS
from pathgen.gan.discriminator_scores import score
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe
from pathgen.gan.generators.dpdcgan.privacy_unit import units_of
from pathgen.gan.loop import train_generator
from pathgen.gan.result import TrainedGan
from pathgen.gan.synthesis import synthesise
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import PatchSet
from pathgen.studies.dp_sweep.attack import strongest_attack
from pathgen.studies.dp_sweep.settings import PRIVATE_NETWORKS
from pathgen.studies.dp_sweep.train_point import run_point
from pathgen.training.metric_logger import MetricLogger

_SHOWN = 16


@dataclass(frozen=True)
class Private:
    """How the generators of a point are trained.

    Attributes:
        recipe: Numbers of the training, by name; without those of the originals.
        options: What the networks are built with, besides the image size.
        device: Where to train.
        precision: See `train_generator`.
        channels_last: See `train_generator`.
        snapshot_every_kimg: See `train_generator`.
    """

    recipe: Mapping[str, Any]
    options: Mapping[str, int]
    device: torch.device
    precision: Literal["fp32", "bf16"]
    channels_last: bool
    snapshot_every_kimg: float

    def train(self, originals: PatchSet, slides_known: bool, resume_folder: Path, what: str) -> TrainedGan:
        """Train the generator of one class.

        Args:
            originals: Its training patches.
            slides_known: Whether the source tells slides apart.
            resume_folder: See `train_generator`.
            what: Name of the work.

        Raises:
            PathgenError: See `train_generator` and `units_of`.
        """
        units = units_of(originals.index, self.recipe["unit"], slides_known, what)
        count = len(originals) if units is None else int(units.max()) + 1
        return train_generator(
            originals.images,
            architecture=PRIVATE_NETWORKS,
            options=self.options,
            recipe=PrivateRecipe(**{**self.recipe, "units": count}),
            device=self.device,
            precision=self.precision,
            channels_last=self.channels_last,
            snapshot_every_kimg=self.snapshot_every_kimg,
            units=units,
            resume_folder=resume_folder,
            what=what,
        )


def run_sweep_point(
    patches: Mapping[str, PatchSet],
    slides_known: bool,
    private: Private,
    *,
    per_class: int,
    drawing_seed: int,
    attack: Mapping[str, Any],
    classifier: Mapping[str, Any],
    resume_folder: Path,
    recorder: MetricLogger,
    what: str,
) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """Train, draw, classify, attack.

    Args:
        patches: Original patches by role: train, valid, test, nonmember and reference.
        slides_known: Whether the source tells slides apart.
        private: How the generators are trained.
        per_class: Synthetic patches per class.
        drawing_seed: Of their latents.
        attack: Arguments of `strongest_attack` that do not come of the point.
        classifier: Arguments of `run_point` that do not come of the point.
        resume_folder: Work folder of this point alone.
        recorder: Told the classifier's training.
        what: Name of the work, for progress and messages.

    Returns:
        What was found: `run_point`, `strongest_attack`, and of each class the ``privacy`` of its model.json;
        and a picture, a row of patches of each class, uint8 (H, W, 3).

    Raises:
        PathgenError: See `Private.train` and `run_point`.
    """
    trained = {
        str(label): private.train(
            patches["train"].of_label(label), slides_known, resume_folder / label, f"{what}, {label}"
        )
        for label in LABELS
    }
    drawn = {
        label: synthesise(
            gan.generator,
            seed=drawing_seed,
            count=per_class,
            batch_size=per_class,
            device=private.device,
        )
        for label, gan in trained.items()
    }
    synthetic = {label: next(images) for label, images in drawn.items()}
    found = run_point(
        synthetic,
        patches["valid"],
        patches["test"],
        **classifier,
        device=private.device,
        precision=private.precision,
        channels_last=private.channels_last,
        resume_folder=resume_folder / "classifier",
        recorder=recorder,
        what=f"{what}, classifier",
    )
    attacked = strongest_attack(
        patches["train"].images_by_label(),
        patches["nonmember"].images_by_label(),
        patches["reference"].images_by_label(),
        synthetic,
        discriminators={
            label: partial(score, gan.discriminator, device=private.device) for label, gan in trained.items()
        },
        **attack,
        device=str(private.device),
    )
    privacy = {label: gan.facts["privacy"] for label, gan in trained.items()}
    rows = np.concatenate([images[:_SHOWN] for images in synthetic.values()])
    picture = patch_grid(rows, columns=_SHOWN, scale=2)
    return {**found, **attacked, "per_class": per_class, "privacy": privacy}, picture
