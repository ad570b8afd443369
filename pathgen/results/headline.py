"""``report/results.json``, ``report/accuracy.json``: the headline numbers."""

from collections.abc import Mapping
from pathlib import Path

import pydantic

from pathgen.core.files import write_json
from pathgen.results.record import Record


class HeadlineRow(Record):
    """One row of the result table; what is unknown is absent.

    The file has each metric next to the declared fields: its ``mean`` over runs, the ends ``low`` and
    ``high`` of the confidence interval, and ``paper``, the value of the reference study.

    Attributes:
        runs: Number of runs.
        confusion: Number of patches by ``tp``, ``fp``, ``tn`` and ``fn``, summed over the runs.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Mapping[str, float]]

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
        means = {
            classifier: {
                regime: row.__pydantic_extra__["accuracy"].get("mean")
                for regime, row in regimes.items()
                if "accuracy" in row.__pydantic_extra__
            }
            for classifier, regimes in self.root.items()
        }
        write_json(path, means)
