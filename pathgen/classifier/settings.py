"""The section ``train_classifier`` of params.yaml."""

from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field

from pathgen.classifier.discovery import network_names
from pathgen.core.errors import PathgenError
from pathgen.core.params import Settings

ValidateOn = Literal["original", "code"]
Augment = Literal["none", "d4", "d4_stain", "d4_stain_blur"]
Schedule = Literal["step", "cosine"]
ClassifierName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(-[a-z][a-z0-9_]*)*$")]


class RegimeSettings(Settings):
    """What the regimes `mixed` and `synthetic` train and validate on."""

    mixed_original: float = Field(
        gt=0,
        le=1,
        description="Share of the n original patches of each class that `mixed` trains on; paper: 0.5 (35k "
        "of 70k), its code: 1.",
    )
    mixed_synthetic: float = Field(
        gt=0,
        le=1000,
        description="Synthetic patches of each class beside them, as a share of the same n; paper: 0.5, its "
        "code: 1.",
    )
    validate_on: ValidateOn = Field(
        description="Which patches choose the best epoch of the regime `synthetic`; the other regimes always "
        "use the original ones. `original`: the original validation patches, as for every model (what the "
        "paper's table says: 30k original). `code`: synthetic patches held out of the synthetic set (what "
        "the published code did: 0.97 there, 0.59 on the test set)."
    )
    valid_share_synthetic: float | None = Field(
        default=None,
        description="Share of each class's synthetic patches held out of training when `validate_on` is "
        "`code`; not used otherwise.",
        gt=0,
        lt=1,
    )

    @pydantic.model_validator(mode="after")
    def _share_is_given(self) -> Self:
        if self.validate_on == "code" and self.valid_share_synthetic is None:
            raise ValueError("validate_on: code needs valid_share_synthetic, a number between 0 and 1")
        return self


class ClassifierSettings(Settings):
    """A classifier: a network and how it is trained."""

    network: str = Field(
        description="Name of a file of `pathgen/classifier/networks`: cnn6, googlenet, resnet18."
    )
    weights_file: str | None = Field(
        default=None,
        description="Pretrained weights to start from (safetensors), all but the head's. Never downloaded.",
    )
    weights_sha256: str | None = Field(
        default=None,
        description="SHA-256 of `weights_file`: another file is another classifier.",
        pattern="^[0-9a-f]{64}$",
    )
    batch_size: int = Field(description="Patches per optimiser step. Published: 128.", ge=1)
    max_epochs: int = Field(description="Most passes over the training patches. Published: 50.", ge=1)
    max_steps: int | None = Field(
        default=None, description="Most optimiser steps; null: `max_epochs` alone is the limit.", ge=1
    )
    patience: int = Field(
        description="Stop after this many epochs without a better validation accuracy. Published: 5.", ge=1
    )
    learning_rate: float = Field(description="Of SGD, at the start. Published: 0.001.", gt=0, le=10)
    momentum: float = Field(description="Of SGD. Published: 0.9.", ge=0, lt=1)
    weight_decay: float = Field(
        description="Of SGD (L2, added to the gradient). Published: 0.0005.", ge=0, le=1
    )
    lr_schedule: Schedule = Field(
        description="`step`: cut again and again (published). `cosine`: half a cosine from `learning_rate` "
        "to 0 over `max_epochs` (or `max_steps`)."
    )
    lr_step_steps: int | None = Field(
        default=None,
        description="For `step`: optimiser steps (not epochs) after which it is cut. Published: 2000.",
        ge=1,
    )
    lr_gamma: float | None = Field(
        default=None, description="For `step`: what it is multiplied by then. Published: 0.5.", gt=0, le=1
    )
    augment: Augment = Field(
        description="How training patches are changed, each time in another way; validation and test not. "
        "`none` (published). `d4`: flips and quarter turns. `d4_stain`: also a little more or less of each "
        "stain. `d4_stain_blur`: also a slight blur. The last hides what a generator does to fine texture."
    )

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.network not in network_names():
            raise ValueError(f"network must be one of {network_names()}, not {self.network}")
        if self.lr_schedule == "step" and (self.lr_step_steps is None or self.lr_gamma is None):
            raise ValueError("lr_schedule: step needs lr_step_steps and lr_gamma")
        if self.lr_schedule == "cosine" and (self.lr_step_steps, self.lr_gamma) != (None, None):
            raise ValueError("lr_schedule: cosine takes no lr_step_steps and no lr_gamma")
        if (self.weights_file is None) != (self.weights_sha256 is None):
            raise ValueError("weights_file and weights_sha256 go together")
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the settings under the names that `train_classifier` takes."""
        return {"classifier": self.network, **self.model_dump(exclude={"network"})}


class TrainClassifierSettings(Settings):
    """What classifiers are trained on, and which classifiers there are."""

    regimes: RegimeSettings = Field(description="What the regimes train and validate on.")
    classifiers: dict[ClassifierName, ClassifierSettings] = Field(
        min_length=1,
        description="Classifiers by name, as `pipeline.classifiers` lists those to train. Two may share a "
        "network: `cnn6` is trained by the paper's recipe, `cnn6-tuned` by a better one.",
    )

    def of(self, name: str) -> ClassifierSettings:
        """Return the classifier of that name.

        Raises:
            PathgenError: There is none.
        """
        if name not in self.classifiers:
            reason = "is not among train_classifier.classifiers"
            raise PathgenError(f"classifier {name}", reason, f"Add it, or choose from {[*self.classifiers]}")
        return self.classifiers[name]
