"""``results/{scaling,tuning}/summary.json``: what an optional study concludes; ``report/studies.json``."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import pydantic

from pathgen.results.record import Number, Record

#: Value of a setting.
Scalar: TypeAlias = bool | Number | str | None


class StudyFigure(Record):
    """A plot of a study.

    Attributes:
        file: Name of the SVG file in the study's folder.
        alt: Text alternative.
        caption: Caption.
    """

    file: str
    alt: str
    caption: str


class StudySummary(Record):
    """Conclusions of a study; a study may add its own numbers.

    Attributes:
        sentences: Conclusions, one sentence each.
        figures: Plots, or only the names of their files.
        made_from: Name of an input, setting or code to its hash when the study was run.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    sentences: tuple[str, ...]
    figures: tuple[StudyFigure | str, ...]
    made_from: Mapping[str, str]


class ReportedStudies(Record):
    """``report/studies.json``: the optional studies on the page.

    Attributes:
        changed: Name of a study to the names of the inputs that had changed since it was run.
    """

    changed: Mapping[str, tuple[str, ...]]


class BestTrial(Record):
    """The best trial.

    Attributes:
        trial: Its number.
        value: Its objective, the mean of `scores`.
        scores: Score of each seed.
        fields: Path of each setting searched to its value; of a section, to the values of its fields.
    """

    trial: int
    value: float
    scores: tuple[float, ...]
    fields: Mapping[str, Scalar | Mapping[str, Scalar]]


class TuningSummary(StudySummary):
    """Conclusions of a search for better settings.

    Attributes:
        regime: Regime of the trainings.
        generator: Generator of the regime; None for original patches.
        classifier: Name of the classifier.
        seeds: Seeds of each trial.
        trials: Number of trials by outcome: ``finished``, ``pruned``.
        best: The best trial.
        importance: Path of a setting to its share of the variance (fANOVA).
    """

    regime: str
    generator: str | None
    classifier: str
    seeds: tuple[int, ...]
    trials: Mapping[Literal["finished", "pruned"], int]
    best: BestTrial
    importance: Mapping[str, float]
