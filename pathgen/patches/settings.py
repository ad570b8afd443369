"""Settings of the stages `sample` and `extract`."""

from typing import Literal

from pydantic import Field, model_validator

from pathgen.core.params import Settings


class LabelSettings(Settings):
    """When a candidate patch counts as tumor, when as normal, and when as neither."""

    rule: Literal["area", "paper"] = Field(
        description="area: by the share of the patch inside lesions, see the two fractions below; "
        "paper: tumor as soon as the patch touches the lesion mask, as the study's code did."
    )
    min_tumor_fraction: float = Field(
        gt=0, le=1, description="Rule area: share inside lesions from which a patch is tumor."
    )
    max_normal_fraction: float = Field(
        ge=0, lt=1, description="Rule area: share inside lesions up to which a patch is normal."
    )
    max_exclusion_fraction: float = Field(
        ge=0, le=1, description="Share inside excluded areas up to which a patch may be normal."
    )

    @model_validator(mode="after")
    def _between_is_nothing(self) -> "LabelSettings":
        if self.max_normal_fraction >= self.min_tumor_fraction:
            raise ValueError("max_normal_fraction must be smaller than min_tumor_fraction")
        return self


class PerClassSettings(Settings):
    """How many patches of each class every role gets."""

    train: int = Field(ge=1, description="Members: the patches that generators and classifiers learn from.")
    valid: int = Field(ge=1, description="Patches that choose checkpoints, from slides of their own.")
    test: int = Field(ge=1, description="Patches of the one test set, from slides of their own.")
    nonmember: int = Field(
        ge=1, description="Patches of the training slides that nothing learns from (privacy)."
    )
    reference: int = Field(ge=1, description="A second set of such patches, for the attacker (privacy).")
    fresh: int = Field(
        default=0,
        ge=0,
        description="A third set of such patches, which stand in place of synthetic ones in the control "
        "`control-fresh`. It needs `synthesise.per_class` of them.",
    )


class SampleSettings(Settings):
    """Section `sample`: the split by slide, the label rule, and the draw of the roles."""

    seed: int = Field(ge=0, description="Seed of the split and of the draw.")
    valid_tumor_share: float = Field(
        gt=0,
        lt=1,
        description="Training slides are drawn into valid until they hold this share of the training "
        "slides' tumor patches. Used only where the source has no official validation split.",
    )
    test_tumor_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Slides are drawn into test until they hold this share of all tumor patches. "
        "Used only where the source has no official test split, and needed there.",
    )
    per_class: PerClassSettings
    label: LabelSettings
    on_shortage: Literal["stop", "shrink"] = Field(
        description="When there are fewer patches than asked for. stop: say which; shrink: all roles "
        "of that split shrink by the same factor, in both classes."
    )


class ExtractSettings(Settings):
    """Section `extract`: the pixels that are kept."""

    size_px: int = Field(ge=8, le=1024, description="Side of the patches that everything learns from, px.")
