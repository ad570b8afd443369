"""The sections ``train_classifier`` and ``evaluate`` of params.yaml."""

from typing import Literal, Self

import pydantic
from pydantic import Field

from pathgen.params import Settings

Mixed = Literal["half", "all"]
ValidateOn = Literal["original", "code"]


class TrainClassifierSettings(Settings):
    """How the classifiers are trained; the published values are in the profile paper-camelyon16."""

    batch_size: int = Field(description="Patches per optimiser step. Published: 128.", ge=1)
    max_epochs: int = Field(description="Most passes over the training patches. Published: 50.", ge=1)
    patience: int = Field(
        description="Stop after this many epochs without a better validation accuracy. Published: 5.", ge=1
    )
    learning_rate: float = Field(description="Of SGD, at the start. Published: 0.001.", gt=0, le=10)
    momentum: float = Field(description="Of SGD. Published: 0.9.", ge=0, lt=1)
    weight_decay: float = Field(
        description="Of SGD (L2, added to the gradient). Published: 0.0005.", ge=0, le=1
    )
    lr_step_steps: int = Field(
        description="Optimiser steps (not epochs) after which the learning rate is cut. Published: 2000.",
        ge=1,
    )
    lr_gamma: float = Field(description="What it is multiplied by then. Published: 0.5.", gt=0, le=1)
    mixed: Mixed = Field(
        description="What the regime `mixed` trains on. `half`: half of the original patches of each class, "
        "and synthetic ones in place of the other half, so that the size stays the same (the paper: 35k + "
        "35k). `all`: all original patches and as many synthetic ones, twice the size (the published code: "
        "70k + 70k)."
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


class EvaluateSettings(Settings):
    """How classifiers are judged on the original test patches."""

    threshold: float = Field(
        description="Patches with P(tumor) of at least this are called tumor.", ge=0, le=1
    )
    confidence: float = Field(description="Confidence level of every interval.", gt=0, lt=1)
