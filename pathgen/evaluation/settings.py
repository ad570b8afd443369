"""Settings of the section `evaluate`."""

from pydantic import Field

from pathgen.core.params import Settings


class EvaluateSettings(Settings):
    """Evaluation of the classifiers on the original test patches, and comparison of the regimes."""

    threshold: float = Field(description="Smallest P(tumor) that is called tumor.", ge=0, le=1)
    confidence: float = Field(
        description="Confidence level of all intervals; tests are at the level 1 minus it.", gt=0, lt=1
    )
    specificity: float = Field(
        description="Specificity of the operating point: its threshold is the lowest with at least this "
        "specificity on the VALIDATION patches; its recall and specificity are those on the test set.",
        gt=0,
        lt=1,
    )
    calibration_bins: int = Field(
        description="Number of bins of the reliability curve and of the calibration error.", ge=2, le=100
    )
    resamples: int = Field(
        description="Number of bootstrap resamples of the test slides (patients, where known).",
        ge=100,
        le=100_000,
    )
    seed: int = Field(description="Seed of the bootstrap.", ge=0)
    power: float = Field(
        description="Power of the minimum detectable difference between two regimes, over slides and "
        "trainings, of one test before the adjustment of the p-values.",
        gt=0.5,
        lt=1,
    )
