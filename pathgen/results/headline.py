"""``report/results.json``, ``report/accuracy.json``, ``report/tradeoff.json``: the headline numbers."""

from collections.abc import Mapping
from pathlib import Path

import pydantic

from pathgen.core.files import write_json
from pathgen.results.record import Record


class HeadlineMetric(Record):
    """One cell of the result table; absent values are unknown.

    Attributes:
        mean: Mean over runs.
        low: Lower end of the confidence interval.
        high: Upper end.
        paper: Value of the reference study.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    paper: float | None = None


class HeadlineRow(Record):
    """One row of the result table: the declared fields, and a `HeadlineMetric` per metric.

    Attributes:
        runs: Number of runs.
        confusion: Number of patches by ``tp``, ``fp``, ``tn`` and ``fn``, summed over the runs.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, HeadlineMetric]

    runs: int | None = None
    confusion: Mapping[str, int] | None = None


class Headline(pydantic.RootModel[Mapping[str, Mapping[str, HeadlineRow]]]):
    """Classifier to regime to row. The baseline is ``mean_colour``, ``original``."""

    model_config = pydantic.ConfigDict(frozen=True)

    def save(self, path: Path) -> None:
        """Write the numbers as JSON, without what is unknown."""
        write_json(path, self.model_dump(exclude_unset=True))

    def save_accuracies(self, path: Path) -> None:
        """Write the mean accuracies alone, by classifier and regime: few enough for ``dvc metrics show``."""
        write_json(
            path,
            {
                classifier: {
                    regime: cells["accuracy"].mean
                    for regime, row in regimes.items()
                    if (cells := row.model_extra or {}) and "accuracy" in cells
                }
                for classifier, regimes in self.root.items()
            },
        )
