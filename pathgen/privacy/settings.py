"""Settings of the privacy audit (section ``privacy``)."""

from typing import Literal

import pydantic

from pathgen.core.params import Settings

# The Monte Carlo p-value must be able to fall this far below the significance level, so that it can
# survive the correction for the number of tests, classes and controls.
_RESOLUTION = 60


class PrivacySettings(Settings):
    """What is compared with what, and how sure a finding must be."""

    seed: int = pydantic.Field(ge=0, description="seed of every draw: patches, permutations, planted copies")
    confidence: float = pydantic.Field(gt=0.5, lt=1.0, description="coverage of the intervals, e.g. 0.95")
    significance: float = pydantic.Field(
        gt=0.0,
        le=0.2,
        description="probability that an honest generator is found leaking, over all tests and classes",
    )
    max_originals: int = pydantic.Field(
        ge=40, description="members, non-members and reference patches per class, each at most; bounds time"
    )
    max_synthetic: int = pydantic.Field(ge=40, description="synthetic patches per class at most; bounds time")
    symmetries: Literal["identity", "square"] = pydantic.Field(
        description="positions in which patches are correlated: as they are, or in all 8 turns and mirrorings"
    )
    max_shift_px: int = pydantic.Field(
        ge=0,
        le=16,
        description="translations through which patches are correlated, along either axis",
    )
    shift_shortlist: int = pydantic.Field(
        ge=1,
        le=100,
        description="patches compared through all translations with each one: its most similar by Fourier "
        "magnitudes, which do not see translations",
    )
    copy_share: float = pydantic.Field(
        gt=0.0, le=0.5, description="share of planted copies that the positive controls must find"
    )
    n_permutations: int = pydantic.Field(
        ge=199,
        le=1_000_000,
        description="random memberships drawn for the tests that count nearest neighbours",
    )
    shadow_steps: int = pydantic.Field(
        ge=0, le=100_000, description="training steps of the shadow discriminator; 0 leaves that attack out"
    )
    gallery_pairs: int = pydantic.Field(ge=1, le=200, description="closest pairs shown per class")
    exposed_patches: int = pydantic.Field(
        ge=1, le=1000, description="most exposed training patches listed per class"
    )

    @pydantic.model_validator(mode="after")
    def _permutations_resolve_the_level(self) -> "PrivacySettings":
        needed = round(_RESOLUTION / self.significance)
        if self.n_permutations + 1 < needed:
            raise ValueError(
                f"n_permutations ({self.n_permutations}) must be at least {needed - 1} for a significance of "
                f"{self.significance}: else no count of copies could be found significant"
            )
        return self
