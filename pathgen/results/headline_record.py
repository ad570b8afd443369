"""``report/results.json``: the numbers of the result table."""

from collections.abc import Mapping

import pydantic

from pathgen.results.record import Record


class HeadlineCounts(Record):
    """Number of patches by actual and predicted class, summed over runs; tumor is positive."""

    tp: int
    fp: int
    tn: int
    fn: int


class HeadlineMetric(Record):
    """One metric of one row; what is unknown is absent from the file.

    Attributes:
        mean: Mean over runs.
        low: Lower end of its confidence interval.
        high: Upper end.
        paper: Value in the paper.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    paper: float | None = None


class HeadlineRow(Record):
    """One row of the table; its metrics stand by name next to the declared fields.

    Attributes:
        runs: Number of runs; None for the baseline.
        confusion: Confusion matrix; None for the baseline.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, HeadlineMetric]

    runs: int | None = None
    confusion: HeadlineCounts | None = None

    @property
    def metrics(self) -> Mapping[str, HeadlineMetric]:
        """Metric name to its values."""
        return self.__pydantic_extra__ or {}


class Headline(Record):
    """The whole file: classifier to regime, with its generator, to row, on the top level."""

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Mapping[str, HeadlineRow]]

    @property
    def accuracies(self) -> dict[str, dict[str, float | None]]:
        """Classifier to regime to mean accuracy, where the row has that metric."""
        found: dict[str, dict[str, float | None]] = {}
        for classifier, rows in (self.__pydantic_extra__ or {}).items():
            known = {regime: row.metrics for regime, row in rows.items() if "accuracy" in row.metrics}
            found[classifier] = {regime: metrics["accuracy"].mean for regime, metrics in known.items()}
        return found
