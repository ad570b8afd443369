"""Settings of the fidelity metrics (section ``fidelity``)."""

import pydantic

from pathgen.core.params import Settings
from pathgen.metrics.features import EXTRACTORS


class FidelitySettings(Settings):
    """Settings of the fidelity metrics."""

    seed: int = pydantic.Field(ge=0, description="random seed of samples, halves and projections")
    extractor: str = pydantic.Field(
        description="feature extractor of the Frechet, kernel and manifold metrics (pathgen/metrics/features)"
    )
    max_patches: int = pydantic.Field(
        ge=32, description="maximum number of patches per class and set; bounds time and memory"
    )
    n_subsets: int = pydantic.Field(
        ge=2, le=1000, description="number of random halves; their spread gives the confidence interval"
    )
    confidence: float = pydantic.Field(
        gt=0.5, lt=1.0, description="level of the confidence intervals, e.g. 0.95"
    )
    neighbours_k: int = pydantic.Field(
        ge=1,
        le=50,
        description="number of neighbours that defines the manifold (precision, recall, density, coverage)",
    )
    n_projections: int = pydantic.Field(
        ge=8, le=4096, description="number of random directions of the sliced Wasserstein distance"
    )

    @pydantic.field_validator("extractor")
    @classmethod
    def _extractor_exists(cls, name: str) -> str:
        if name not in EXTRACTORS:
            raise ValueError(f"no such extractor; choose from {sorted(EXTRACTORS)}")
        return name

    @pydantic.model_validator(mode="after")
    def _neighbours_fit_into_halves(self) -> "FidelitySettings":
        if self.neighbours_k >= self.max_patches // 2:
            raise ValueError(
                f"neighbours_k ({self.neighbours_k}) must be below half of max_patches ({self.max_patches})"
            )
        return self
