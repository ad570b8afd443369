"""Settings of section ``dp_sweep``: private generators of several epsilons, and how they are judged."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from pathgen.core.params import Settings

PRIVATE_NETWORKS = "dpdcgan"  # of every point
Epsilon = Annotated[float, Field(gt=0.0)] | Literal["unlimited"]


class SweepTraining(Settings):
    """How long the classifier of every point learns; the rest of its recipe is section `train_classifier`."""

    max_steps: int = Field(ge=1, description="Optimiser steps, the same for every point.")
    validate_every_steps: int = Field(
        ge=1, description="Steps between two looks at the original validation patches; the best is kept."
    )


class DpSweepSettings(Settings):
    """The points of the sweep: every epsilon with every seed. All else is `train_gan.dpdcgan`'s."""

    epsilons: list[Epsilon] = Field(
        min_length=1,
        description="What the training of each class may spend, in place of "
        "`train_gan.dpdcgan.target_epsilon`; `unlimited`: no noise, all else equal.",
    )
    seeds: list[int] = Field(
        min_length=1, description="Trainings of both generators and the classifier; an interval needs two."
    )
    classifier: str = Field(description="One of `pipeline.classifiers`.")
    training: SweepTraining
    confidence: float = Field(gt=0.5, lt=1.0, description="Level of the intervals, e.g. 0.95.")

    @pydantic.model_validator(mode="after")
    def _nothing_twice(self) -> "DpSweepSettings":
        for name in ("epsilons", "seeds"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds a value twice: {values}")
        return self

    def points(self) -> list[str]:
        """Return the names of all points, ``{epsilon}-{seed}``, by falling privacy."""
        rising = sorted(self.epsilons, key=lambda epsilon: float(str(epsilon).replace("unlimited", "inf")))
        return [f"{epsilon}-{seed}" for epsilon in rising for seed in self.seeds]
