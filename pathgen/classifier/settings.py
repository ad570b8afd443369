"""The section ``train_classifier`` of params.yaml."""

import math
from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from pathgen.classifier.network_discovery import network_names
from pathgen.core.errors import PathgenError
from pathgen.core.params import Settings

ValidateOn = Literal["original", "code"]
Augment = Literal["none", "d4", "d4_stain", "d4_stain_blur"]
Schedule = Literal["step", "cosine"]
Initialisation = Literal["torch", "kaiming"]
ClassifierName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(-[a-z][a-z0-9_]*)*$")]


class RegimeSettings(Settings):
    """Composition of the training and validation sets of the regimes `mixed` and `synthetic`."""

    mixed_original: float = Field(
        gt=0,
        le=1,
        description="Share of the n original patches of each class that `mixed` trains on; paper: 0.5 (35k "
        "of 70k), its code: 1.",
    )
    mixed_synthetic: float = Field(
        gt=0,
        le=1000,
        description="Synthetic patches of each class in `mixed`, as a share of n; paper: 0.5, its code: 1.",
    )
    validate_on: ValidateOn = Field(
        description="Patches that choose the best epoch of the regime `synthetic`; the others always use "
        "original ones. `original`: the original validation patches, as for every model (the paper's "
        "table: 30k original). `code`: synthetic patches held out of the synthetic set (the published code: "
        "0.97 there, 0.59 on the test set)."
    )
    valid_share_synthetic: float | None = Field(
        default=None,
        description="Share of each class's synthetic patches held out of training, for `validate_on: code`.",
        gt=0,
        lt=1,
    )

    @pydantic.model_validator(mode="after")
    def _require_share(self) -> Self:
        if self.validate_on == "code" and self.valid_share_synthetic is None:
            raise ValueError("validate_on: code needs valid_share_synthetic, a number between 0 and 1")
        return self


def mixed_counts(originals: int, share_original: float, share_synthetic: float) -> tuple[int, int]:
    """Return the numbers of original and of synthetic training patches of one class.

    Args:
        originals: Number of original training patches of the class.
        share_original: Share of them in the mixture, in (0, 1]; rounded down.
        share_synthetic: Number of synthetic patches in the mixture as a share of the same number; rounded up,
            so that two halves are the whole.
    """
    # Rounded first: 100 * 0.29 is slightly below 29, 100 * 0.55 slightly above 55.
    kept, wanted = (round(originals * share, 9) for share in (share_original, share_synthetic))
    return math.floor(kept), math.ceil(wanted)


class ClassifierSettings(Settings):
    """Recipe of a classifier: network and hyper-parameters."""

    network: str = Field(
        description="Name of a file of `pathgen/classifier/networks`: cnn6, googlenet, resnet18."
    )
    weights_file: str | None = Field(
        default=None,
        description="Pretrained weights (safetensors) of all layers but the head. Never downloaded.",
    )
    weights_sha256: str | None = Field(
        default=None,
        description="SHA-256 of `weights_file`.",
        pattern="^[0-9a-f]{64}$",
    )
    batch_size: int = Field(description="Patches per optimiser step. Published: 128.", ge=1)
    max_epochs: int = Field(description="Maximum number of epochs. Published: 50.", ge=1)
    max_steps: int | None = Field(
        default=None,
        description="Maximum number of optimiser steps; null: no limit but `max_epochs`.",
        ge=1,
    )
    patience: int = Field(
        description="Early stopping: epochs without a better validation accuracy. Published: 5.",
        ge=1,
    )
    learning_rate: float = Field(description="Initial learning rate of SGD. Published: 0.001.", gt=0, le=10)
    momentum: float = Field(description="Momentum of SGD. Published: 0.9.", ge=0, lt=1)
    weight_decay: float = Field(
        description="Weight decay of SGD (L2, added to the gradient). Published: 0.0005.", ge=0, le=1
    )
    lr_schedule: Schedule = Field(
        description="`step`: cut at regular intervals (published). `cosine`: half a cosine from the initial "
        "rate to 0 over `max_epochs` (or `max_steps`)."
    )
    lr_step_steps: int | None = Field(
        default=None,
        description="For `step`: number of optimiser steps (not epochs) between cuts. Published: 2000.",
        ge=1,
    )
    lr_gamma: float | None = Field(
        default=None, description="For `step`: factor of each cut. Published: 0.5.", gt=0, le=1
    )
    warmup_steps: int = Field(
        default=0,
        description="Number of first optimiser steps in which the learning rate rises linearly to that of "
        "the schedule. 0: none (published).",
        ge=0,
    )
    initialisation: Initialisation = Field(
        default="torch",
        description="Initial weights. `torch`: the network's own (published). `kaiming`: of convolutions and "
        "linear layers, normal with variance 2 / fan-in, and zero biases, so that the signal keeps its size "
        "through layers with ReLU.",
    )
    max_retries: int = Field(
        default=0,
        description="Trainings with a new seed after one that did not converge; all attempts are recorded. "
        "0: a training that did not converge is reported and stays.",
        ge=0,
        le=10,
    )
    augment: Augment = Field(
        description="Augmentation of the training patches, never of validation and test patches. `none` "
        "(published). `d4`: flips and rotations by 90 degrees. `d4_stain`: also jitter of the stains. "
        "`d4_stain_blur`: also a slight blur, which hides artefacts of a generator in fine texture."
    )

    @pydantic.model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.network not in network_names():
            raise ValueError(f"network must be one of {network_names()}, not {self.network}")
        if self.lr_schedule == "step" and (self.lr_step_steps is None or self.lr_gamma is None):
            raise ValueError("lr_schedule: step needs lr_step_steps and lr_gamma")
        if self.lr_schedule == "cosine" and (self.lr_step_steps, self.lr_gamma) != (None, None):
            raise ValueError("lr_schedule: cosine takes no lr_step_steps and no lr_gamma")
        if (self.weights_file is None) != (self.weights_sha256 is None):
            raise ValueError("weights_file and weights_sha256 go together")
        return self

    def learning_rate_at(self, taken: int, steps: int) -> float:
        """Return the learning rate of the next optimiser step.

        The `lr_schedule` ``step`` is torch's StepLR after every optimiser step; ``cosine`` is half a cosine
        from the initial rate before the first step to 0 after the last. The rate of step k, from 1, of
        `warmup_steps` is multiplied by k / `warmup_steps`.

        Args:
            taken: Number of optimiser steps taken.
            steps: Maximum number of optimiser steps.
        """
        rate = self.learning_rate * min(1.0, (taken + 1) / max(1, self.warmup_steps))
        if self.lr_schedule == "cosine":
            return rate * 0.5 * (1.0 + math.cos(math.pi * taken / steps))
        assert self.lr_step_steps is not None and self.lr_gamma is not None, "checked above"
        return rate * self.lr_gamma ** (taken // self.lr_step_steps)


class TrainClassifierConfig(Settings):
    """Everything but data and device that decides a trained classifier; its dump is the resume key.

    Attributes:
        recipe: Network and hyper-parameters.
        seed: Seed of initial weights, batch order, augmentation and dropout.
        precision: Arithmetic of the layers while training: float32, or bfloat16 with weights, loss and
            validation in float32.
        channels_last: Whether weights and activations are channels_last in memory.
        epoch_patches: Number of patches per epoch, see `device_dataset.batch_order`; with it,
            trainings on sets of different sizes are validated after the same number of steps. None: one pass
            over the set.
    """

    recipe: ClassifierSettings
    seed: int
    precision: Literal["fp32", "bf16"]
    channels_last: bool
    epoch_patches: int | None = None


class TrainClassifierSettings(Settings):
    """Section `train_classifier`: regimes and recipes."""

    regimes: RegimeSettings = Field(description="Training and validation sets of the regimes.")
    classifiers: dict[ClassifierName, ClassifierSettings] = Field(
        min_length=1,
        description="Recipes by name; `pipeline.classifiers` lists those to train. Two may share a network: "
        "`cnn6` is the paper's, `cnn6-tuned` a better one.",
    )

    def of(self, name: str) -> ClassifierSettings:
        """Return the recipe of that name.

        Raises:
            PathgenError: There is no such recipe.
        """
        if name not in self.classifiers:
            reason = "is not among train_classifier.classifiers"
            raise PathgenError(f"classifier {name}", reason, f"Add it, or choose from {[*self.classifiers]}")
        return self.classifiers[name]
