"""Settings of section ``scaling``: the error of a classifier against the number of patches it learns from."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from pathgen.core.params import Settings

Size = Annotated[int, Field(ge=1)] | Literal["unlimited"]


class ScalingTraining(Settings):
    """What all points have in common; the rest of the recipe is section `train_classifier`."""

    max_steps: int = Field(
        ge=1,
        description="Optimiser steps of every point, whatever its size: equal compute, so that the number of "
        "different patches is all that changes. Half of `max_steps` times the batch size are the patches per "
        "class that a point can see: the meaning of the size `unlimited`.",
    )
    validate_every_steps: int = Field(
        ge=1, description="Steps between two looks at the original validation patches; the best is kept."
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        le=10,
        description="At the start, in place of the classifiers' own, for all points; null: their own. What "
        "is right for thousands of patches can make a training on ten diverge.",
    )
    order_seed: int = Field(
        ge=0,
        description="Of the orders of the original training patches, one for each of `seeds`; a size takes "
        "its first.",
    )

    def changing(self, recipe: Mapping[str, Any]) -> dict[str, Any]:
        """Return a classifier's recipe with the learning rate of the experiment, where it has one."""
        return {**recipe, **({} if self.learning_rate is None else {"learning_rate": self.learning_rate})}


class ScalingSettings(Settings):
    """The points of the curves: every size with every classifier and seed, and how the curves are judged."""

    generators: list[str] = Field(
        min_length=1, description="Generators with a curve of their own; some of `pipeline.generators`."
    )
    classifiers: list[str] = Field(min_length=1, description="Some of `train_classifier.classifiers`.")
    seeds: list[int] = Field(min_length=1, description="Seeds per point; an interval needs two.")
    original_sizes: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1, description="Original patches per class, at most those of the training set."
    )
    synthetic_sizes: list[Size] = Field(
        min_length=1,
        description="Synthetic patches per class; `unlimited`: no patch is seen twice.",
    )
    training: ScalingTraining
    confidence: float = Field(gt=0.5, lt=1.0, description="Level of the intervals, e.g. 0.95.")
    bootstrap: int = Field(
        ge=100, le=100_000, description="Curves drawn anew for the intervals of the power law."
    )

    @pydantic.model_validator(mode="after")
    def _nothing_twice(self) -> "ScalingSettings":
        for name in ("generators", "classifiers", "seeds", "original_sizes", "synthetic_sizes"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds a value twice: {values}")
        if self.training.validate_every_steps > self.training.max_steps:
            raise ValueError("training.validate_every_steps is more than training.max_steps")
        return self

    def points(self) -> set[str]:
        """Return the names of all points: ``{source}-{size}-{classifier}-{seed}``."""
        sources: dict[str, Sequence[int | str]] = {
            "original": self.original_sizes,
            **{generator: self.synthetic_sizes for generator in self.generators},
        }
        return {
            f"{source}-{size}-{classifier}-{seed}"
            for source, sizes in sources.items()
            for size in sizes
            for classifier in self.classifiers
            for seed in self.seeds
        }
