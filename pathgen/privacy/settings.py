"""Settings of the privacy audit (section ``privacy``)."""

from typing import Literal

import pydantic
from pydantic import Field

from pathgen.core.params import Settings

# The smallest Monte Carlo p-value must be this much smaller than the significance level, so that it can be
# significant after adjustment for the number of tests, classes and controls.
_RESOLUTION = 60


class PrivacySettings(Settings):
    """Settings of the privacy audit."""

    seed: int = Field(ge=0, description="random seed of samples, permutations and controls")
    confidence: float = Field(gt=0.5, lt=1.0, description="level of the confidence intervals, e.g. 0.95")
    significance: float = Field(
        gt=0.0,
        le=0.2,
        description="probability of a false alarm over all tests, classes and trainings of a generator",
    )
    max_originals: int = Field(
        ge=40, description="maximum number of patches per class and original set; bounds time"
    )
    max_synthetic: int = Field(
        ge=40, description="maximum number of synthetic patches per class; bounds time"
    )
    symmetries: Literal["identity", "square"] = Field(
        description="orientations of the correlation: identity, or all 8 rotations and mirrorings"
    )
    max_shift_px: int = Field(
        ge=0, le=16, description="maximum shift of the correlation along either axis, in px"
    )
    shift_shortlist: int = Field(
        ge=1,
        le=100,
        description="number of neighbours per patch, by Fourier magnitudes, compared over all shifts",
    )
    copy_share: float = Field(
        gt=0.0, le=0.5, description="share of copies in the positive controls, which the tests must detect"
    )
    n_permutations: int = Field(
        ge=199,
        le=1_000_000,
        description="number of random labellings for the tests that count nearest neighbours",
    )
    shadow_steps: int = Field(
        ge=0,
        le=100_000,
        description="number of training steps of the shadow discriminator; 0 omits that attack",
    )
    gallery_pairs: int = Field(ge=1, le=200, description="number of closest pairs in the gallery per class")
    exposed_patches: int = Field(
        ge=1, le=1000, description="number of most exposed training patches in the results per class"
    )

    def permutations_needed(self, audits: int = 1) -> int:
        """Return the fewest permutations with which a test of one of so many audits can be significant."""
        return round(_RESOLUTION * audits / self.significance) - 1

    def of_each(self, audits: int) -> "PrivacySettings":
        """Return the settings of one of so many audits: each with an equal part of the significance level."""
        return self.model_copy(update={"significance": self.significance / audits})

    @pydantic.model_validator(mode="after")
    def _permutations_resolve_significance(self) -> "PrivacySettings":
        if self.n_permutations < (needed := self.permutations_needed()):
            raise ValueError(
                f"n_permutations ({self.n_permutations}) must be at least {needed} for a significance of "
                f"{self.significance}; otherwise no result of these tests could be significant"
            )
        return self
