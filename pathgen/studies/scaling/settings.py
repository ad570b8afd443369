"""Section ``scaling``: error of a classifier against the number of training patches."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pathgen.core.params import DISTINCT, Settings

#: Source of points that are trained on original patches.
ORIGINAL = "original"
#: Size of points that see no patch twice.
UNLIMITED = "unlimited"
Size = Annotated[int, Field(ge=1)] | Literal["unlimited"]


class ScalingTraining(Settings):
    """What all points have in common; the rest of the recipe is in section `train_classifier`."""

    max_steps: int = Field(
        ge=1,
        description="Optimiser steps of every point, whatever its size: compute is equal, so that only the "
        "number of different patches changes. `max_steps` times half of the batch size is the number of "
        "patches per class that a point can see: the size `unlimited`.",
    )
    validate_every_steps: int = Field(
        ge=1, description="Steps between two validations on original patches; the best weights are kept."
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="Initial learning rate of all points, in place of the classifiers' own; null: their own. "
        "A rate for thousands of patches can make a training on ten diverge.",
    )
    order_seed: int = Field(
        ge=0,
        description="Seed of the orders of the original training patches, one order for each of `seeds`; a "
        "size takes the first patches.",
    )


class ScalingSettings(Settings):
    """Points of the curves, every size with every classifier and seed, and the analysis of the curves."""

    generators: Annotated[list[str], DISTINCT] = Field(
        min_length=1, description="Generators with a curve, out of `pipeline.generators`."
    )
    classifiers: Annotated[list[str], DISTINCT] = Field(
        min_length=1, description="Classifiers, out of `train_classifier.classifiers`."
    )
    seeds: Annotated[list[int], DISTINCT] = Field(
        min_length=1, description="Seeds per size; an interval needs two."
    )
    original_sizes: Annotated[list[Annotated[int, Field(ge=1)]], DISTINCT] = Field(
        min_length=1, description="Original patches per class, at most those of the training set."
    )
    synthetic_sizes: Annotated[list[Size], DISTINCT] = Field(
        min_length=1,
        description="Synthetic patches per class; `unlimited`: no patch is seen twice.",
    )
    training: ScalingTraining
    confidence: float = Field(gt=0.5, lt=1.0, description="Confidence level of the intervals, e.g. 0.95.")
    bootstrap: int = Field(
        ge=100, le=100_000, description="Number of bootstrap curves for the intervals of the power law."
    )

    @pydantic.model_validator(mode="after")
    def _validates_within_the_training(self) -> "ScalingSettings":
        if self.training.validate_every_steps > self.training.max_steps:
            raise ValueError("training.validate_every_steps is more than training.max_steps")
        return self
