"""Settings of the fidelity measures (section ``fidelity``)."""

from typing import Literal

import pydantic

from pathgen.core.params import Settings


class FidelitySettings(Settings):
    """How alike synthetic and original patches are: what is measured on how many patches."""

    seed: int = pydantic.Field(ge=0, description="seed of every draw: patches, halves, projections")
    extractor: Literal["texture-v1"] = pydantic.Field(
        description="feature protocol under the Frechet, kernel and manifold measures"
    )
    max_patches: int = pydantic.Field(
        ge=32, description="patches per class taken from each set at most; bounds time and memory"
    )
    n_subsets: int = pydantic.Field(
        ge=2,
        le=1000,
        description="random halves that each measure is computed on; their spread is the interval",
    )
    confidence: float = pydantic.Field(gt=0.5, lt=1.0, description="coverage of the intervals, e.g. 0.95")
    neighbours_k: int = pydantic.Field(
        ge=1,
        le=50,
        description="neighbours that span the manifold in precision, recall, density and coverage",
    )
    n_projections: int = pydantic.Field(
        ge=8, le=4096, description="random directions of the sliced Wasserstein distance"
    )

    @pydantic.model_validator(mode="after")
    def _halves_hold_the_neighbours(self) -> "FidelitySettings":
        if self.neighbours_k >= self.max_patches // 2:
            raise ValueError(
                f"neighbours_k ({self.neighbours_k}) must be below half of max_patches ({self.max_patches})"
            )
        return self
