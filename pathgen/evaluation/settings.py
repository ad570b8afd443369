"""Settings of the section `evaluate`."""

from pydantic import Field

from pathgen.core.params import Settings


class EvaluateSettings(Settings):
    """How classifiers are judged on the original test patches, and compared."""

    threshold: float = Field(
        description="Patches with P(tumor) of at least this are called tumor.", ge=0, le=1
    )
    confidence: float = Field(
        description="Confidence level of every interval; tests are at 1 minus it.", gt=0, lt=1
    )
    specificity: float = Field(
        description="Of the operating point: the lowest threshold is taken at which at least this share of "
        "the normal VALIDATION patches is passed; recall and specificity at it are those of the test set.",
        gt=0,
        lt=1,
    )
    calibration_bins: int = Field(
        description="Into how many equal parts P(tumor) is cut for the reliability curve and the calibration "
        "error, which depends on it.",
        ge=2,
        le=100,
    )
    resamples: int = Field(
        description="How many test sets are drawn from the test slides (patients, where known), with "
        "replacement, for the intervals.",
        ge=100,
        le=100_000,
    )
    seed: int = Field(description="Of these draws.", ge=0)
    power: float = Field(
        description="Probability with which the stated smallest difference of two regimes would be found, "
        "over slides and trainings, by one test: before the p-values are adjusted for the number of pairs.",
        gt=0.5,
        lt=1,
    )
