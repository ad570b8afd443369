"""Sections ``tuning`` and ``tuning_work`` of params.yaml."""

from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from pathgen.core.params import DISTINCT, Settings

Value = bool | int | float | str


class Dimension(Settings):
    """One field of params.yaml that the search may change, and the values that it may take."""

    field: str = Field(
        description="Dotted path of the field, e.g. `train_classifier.classifiers.cnn6.learning_rate`. "
        "Allowed: fields of the classifier that is tuned, `synthesise.per_class`, and for the regime `mixed` "
        "its shares in `train_classifier.regimes`.",
        pattern=r"^(train_classifier\.(regimes|classifiers\.[a-z0-9_-]+)(\.[a-z0-9_]+)?|synthesise\.per_class)$",
    )
    choices: Annotated[list[Value], DISTINCT] | None = Field(
        default=None, description="Values to try.", min_length=1
    )
    variants: dict[str, dict[str, Value | None]] | None = Field(
        default=None,
        description="Alternative to `choices` for fields of one section that belong together (a schedule "
        "and its parameters): `field` is the section; each variant has a name and values of fields.",
        min_length=1,
    )
    low: int | float | None = Field(
        default=None,
        description="Alternative to `choices`: lower bound. Integers are sampled if both bounds are "
        "integers; other values are rounded to three digits.",
    )
    high: int | float | None = Field(default=None, description="Upper bound.")
    scale: Literal["linear", "log"] = Field(
        default="linear", description="Scale on which values between the bounds are sampled uniformly."
    )

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> Self:
        bounds = (self.low is not None) + (self.high is not None)
        if (self.choices is not None) + (self.variants is not None) + (bounds > 0) != 1 or bounds == 1:
            raise ValueError(f"{self.field}: set either choices, or variants, or low and high")
        if self.low is not None and self.high is not None:
            if not self.low < self.high:
                raise ValueError(f"{self.field}: low must be below high")
            if self.scale == "log" and self.low <= 0:
                raise ValueError(f"{self.field}: low must be above 0 with scale log")
        return self

    def extremes(self) -> list[Value]:
        """Return all choices or variants, or both bounds: if these are valid, so is every value between."""
        if self.choices is not None:
            return self.choices
        if self.variants is not None:
            return list(self.variants)
        assert self.low is not None and self.high is not None
        return [self.low, self.high]


class TuningSettings(Settings):
    """Search for classifier settings; every field shapes the result."""

    regime: Literal["original", "mixed", "synthetic"] = Field(
        description="Training regime of all trials. `train_classifier.regimes.validate_on` must be "
        "`original`."
    )
    classifier: str = Field(
        description="Name in train_classifier.classifiers; its recipe is the starting point of every trial.",
        min_length=1,
    )
    generator: str = Field(
        description="Source of the synthetic patches: one of pipeline.generators. A trial with "
        "`synthesise.per_class` n trains on the first n patches, the same that the stage synthesise samples.",
        min_length=1,
    )
    trials: int = Field(
        description="Number of trials, finished or pruned; may be raised later. Each worker beyond the first "
        "may add one.",
        ge=1,
        le=100000,
    )
    seeds: Annotated[list[int], DISTINCT] = Field(
        description="Seeds of the classifiers; one training each per trial. The objective is the mean of "
        "their best accuracies on the original validation patches.",
        min_length=1,
    )
    seed: int = Field(description="Seed of the sampler.", ge=0)
    sampler: Literal["tpe", "random"] = Field(
        description="`tpe`: tree-structured Parzen estimator, which learns from earlier trials. `random`: "
        "independent samples."
    )
    startup_trials: int = Field(description="Number of random trials before `tpe` starts.", ge=1)
    prune_below: float = Field(
        description="Quantile: a trial is pruned when the mean of its seeds' best accuracies so far is below "
        "this quantile of the finished trials at the same seed and epoch. 0.5: median; 0: no pruning.",
        ge=0,
        lt=1,
    )
    prune_after_trials: int = Field(description="Number of finished trials before pruning starts.", ge=1)
    prune_after_epochs: int = Field(
        description="Number of epochs of its first seed before a trial can be pruned.", ge=1
    )
    threads: int = Field(
        description="Number of CPU threads per worker, in place of compute.threads. Another number changes "
        "rounding and therefore scores.",
        ge=1,
        le=1024,
    )
    space: list[Dimension] = Field(description="Dimensions of the search space.", min_length=1)

    @pydantic.model_validator(mode="after")
    def _one_dimension_per_field(self) -> Self:
        fields = [dimension.field for dimension in self.space]
        if len(set(fields)) != len(fields):
            raise ValueError(f"space contains a field twice: {fields}")
        return self


class TuningWorkSettings(Settings):
    """Workers and storage of the search; no field shapes the score of a trial."""

    workers: int = Field(description="Number of worker processes on this machine.", ge=1, le=1024)
    storage: str = Field(
        description="Optuna's storage. `sqlite`: a file in work/tuning, for one machine. Or the URL of a "
        "database for several machines, e.g. `postgresql://host/tuning`; the environment variable "
        "PATHGEN_TUNING_STORAGE takes precedence, so that no password need be written here.",
        pattern=r"^(sqlite|[a-z]+(\+[a-z0-9_]+)?://.+)$",
    )
    heartbeat_interval_s: int = Field(
        description="Seconds between two heartbeats of a running trial.", ge=1, le=3600
    )
    grace_period_s: int = Field(
        description="Seconds without a heartbeat after which a trial counts as failed and is queued again.",
        ge=1,
        le=86400,
    )
    max_retry: int = Field(description="Number of times that one trial is queued again.", ge=0)

    @pydantic.model_validator(mode="after")
    def _several_heartbeats(self) -> Self:
        if self.grace_period_s < 3 * self.heartbeat_interval_s:
            raise ValueError("grace_period_s must be at least three times heartbeat_interval_s")
        return self
