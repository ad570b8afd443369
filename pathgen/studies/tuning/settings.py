"""The sections ``tuning`` and ``tuning_work`` of params.yaml."""

from typing import Literal, Self

import pydantic
from pydantic import Field

from pathgen.core.params import Settings

Value = bool | int | float | str


class Dimension(Settings):
    """One field of params.yaml that the search may change, and what it may become."""

    field: str = Field(
        description="Path of the field with dots, e.g. `train_classifier.classifiers.tuned.learning_rate`. "
        "Fields of the classifier that is tuned can be searched, `synthesise.per_class`, and for the regime "
        "`mixed` its shares in `train_classifier.regimes`.",
        pattern=r"^(train_classifier\.(regimes|classifiers\.[a-z0-9_-]+)(\.[a-z0-9_]+)?|synthesise\.per_class)$",
    )
    choices: list[Value] | None = Field(default=None, description="The values to try.", min_length=1)
    variants: dict[str, dict[str, Value | None]] | None = Field(
        default=None,
        description="In place of `choices`, where several fields of a section belong together (a schedule "
        "and its numbers): `field` is the section; names of variants, each with its fields and their values.",
        min_length=1,
    )
    low: int | float | None = Field(
        default=None,
        description="In place of `choices`: the smallest value. When both ends are whole numbers only whole "
        "numbers are tried; others are rounded to three digits.",
    )
    high: int | float | None = Field(default=None, description="The largest value.")
    scale: Literal["linear", "log"] = Field(
        default="linear", description="log: each factor between the ends is as likely as another."
    )

    @pydantic.model_validator(mode="after")
    def _one_kind(self) -> Self:
        ends = (self.low is not None) + (self.high is not None)
        if (self.choices is not None) + (self.variants is not None) + (ends > 0) != 1 or ends == 1:
            raise ValueError(f"{self.field}: give either choices, or variants, or low and high")
        if self.choices is not None and len({repr(value) for value in self.choices}) != len(self.choices):
            raise ValueError(f"{self.field}: a choice is there twice")
        if self.low is not None and self.high is not None:
            if not self.low < self.high:
                raise ValueError(f"{self.field}: low must be below high")
            if self.scale == "log" and self.low <= 0:
                raise ValueError(f"{self.field}: low must be above 0 with scale log")
        return self

    def extremes(self) -> list[Value]:
        """Return what must be valid for all between to be so: all choices or variants, or both ends."""
        if self.choices is not None:
            return self.choices
        if self.variants is not None:
            return list(self.variants)
        assert self.low is not None and self.high is not None
        return [self.low, self.high]


class TuningSettings(Settings):
    """What is searched, and how; all of it shapes the result."""

    regime: Literal["original", "mixed", "synthetic"] = Field(
        description="What the classifiers of all trials are trained on. "
        "`train_classifier.regimes.validate_on` must be `original`."
    )
    classifier: str = Field(
        description="Name in train_classifier.classifiers: what it says there is what trials start from.",
        min_length=1,
    )
    generator: str = Field(
        description="Whose synthetic patches: one of pipeline.generators. `synthesise.per_class` in `space` "
        "takes the first so many of them, which are those that the stage synthesise draws with that number.",
        min_length=1,
    )
    trials: int = Field(
        description="Trials in all, finished or pruned; may be raised later.", ge=1, le=100000
    )
    seeds: list[int] = Field(
        description="Seeds of the classifiers: one training each per trial. The score is the mean of their "
        "best accuracies on the original validation patches.",
        min_length=1,
    )
    seed: int = Field(description="Of the sampler.", ge=0)
    sampler: Literal["tpe", "random"] = Field(
        description="`tpe`: the tree-structured Parzen estimator, which learns from the trials so far. "
        "`random`: each trial on its own; then the order in which workers finish changes nothing but pruning."
    )
    startup_trials: int = Field(description="Random trials before `tpe` begins to learn.", ge=1)
    prune_below: float = Field(
        description="A trial ends when the mean of its seeds' best accuracies so far is below this quantile "
        "of the finished trials at the same seed and epoch. 0.5: the median; 0: no trial is pruned.",
        ge=0,
        lt=1,
    )
    prune_after_trials: int = Field(description="Finished trials before any is pruned.", ge=1)
    prune_after_epochs: int = Field(
        description="Epochs of a seed before the trial can be pruned in it.", ge=1
    )
    threads: int = Field(
        description="CPU threads of each worker; another number gives other rounding, so other scores. It "
        "takes the place of compute.threads.",
        ge=1,
        le=1024,
    )
    space: list[Dimension] = Field(description="What is searched.", min_length=1)

    def largest(self, field: str, now: int) -> int:
        """Return the largest value that a whole-numbered field takes in the search; `now` if it is not in."""
        found = [
            value
            for dimension in self.space
            if dimension.field == field
            for value in dimension.extremes()
            if isinstance(value, int)
        ]
        return max(found, default=now)

    @pydantic.model_validator(mode="after")
    def _no_repetitions(self) -> Self:
        fields = [dimension.field for dimension in self.space]
        if len(set(fields)) != len(fields):
            raise ValueError(f"space holds a field twice: {fields}")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds holds a value twice: {self.seeds}")
        return self


class TuningWorkSettings(Settings):
    """By whom the work is done, and where the trials are kept; none of it shapes a single trial."""

    workers: int = Field(description="Processes that the stage starts on this machine.", ge=1, le=1024)
    storage: str = Field(
        description="Where the trials are kept. `sqlite`: a file under work/tuning, for one machine. "
        "`journal:PATH`: a file that several machines share through a network file system. Or the URL of a "
        "database, e.g. `postgresql://host/tuning`; the environment variable PATHGEN_TUNING_STORAGE wins, so "
        "that no password need be written here.",
        pattern=r"^(sqlite|journal:.+|[a-z]+(\+[a-z0-9_]+)?://.+)$",
    )
    beat_s: float = Field(description="Seconds between two signs of life of a worker.", ge=0.1, le=3600)
    dead_after_s: float = Field(
        description="Seconds without a sign of life after which a trial on another machine is given up and "
        "begun again. On the same machine a dead worker is noticed at once.",
        ge=1,
        le=86400,
    )
    tries: int = Field(
        description="How often one trial may fail before the study stops: by an error, or by the death of "
        "its worker without an epoch more than ever before.",
        ge=1,
    )

    @pydantic.model_validator(mode="after")
    def _several_beats(self) -> Self:
        if self.dead_after_s < 3 * self.beat_s:
            raise ValueError("dead_after_s must be at least three times beat_s")
        return self
