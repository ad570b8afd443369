"""Points grouped into curves, and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.metrics.classification import mean_ci


@dataclass(frozen=True)
class Curve:
    """All points of one source and classifier.

    Attributes:
        source: ``original`` or a generator.
        classifier: Name of the classifier.
        errors: Errors of the seeds by patches per class, ascending.
        unlimited: Patches per class of the size ``unlimited``; None if it was not run.
        test_patches: Number of test patches.
        guessing: Error of always predicting the more frequent class of the test patches.
    """

    source: str
    classifier: str
    errors: dict[float, NDArray[np.float64]]
    unlimited: float | None
    test_patches: int
    guessing: float

    @property
    def sizes(self) -> list[float]:
        """Patches per class, ascending."""
        return list(self.errors)

    def mean_error(self, size: float) -> float:
        """Return the mean error over the seeds at one of the sizes."""
        return float(self.errors[size].mean())


def curves_of(points: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Group points into curves.

    Args:
        points: Results of the points, see `pathgen.studies.scaling.point.TrainPoint`.

    Returns:
        Curves by classifier, the original one before those of the generators.
    """
    frame = pd.DataFrame(points)
    keys = sorted(
        set(zip(frame["source"], frame["classifier"], strict=True)),
        key=lambda key: (key[1], key[0] != "original", key[0]),
    )
    curves = []
    for source, classifier in keys:
        own = frame[(frame["source"] == source) & (frame["classifier"] == classifier)]
        unlimited = own.loc[own["size"] == "unlimited", "per_class"]
        grouped = own.sort_values(["per_class", "seed"]).groupby("per_class", sort=True)["error"]
        curves.append(
            Curve(
                source=str(source),
                classifier=str(classifier),
                errors={float(size): np.asarray(errors, dtype=np.float64) for size, errors in grouped},
                unlimited=None if unlimited.empty else float(unlimited.iloc[0]),
                test_patches=int(own["n"].iloc[0]),
                guessing=float(own["guessing"].iloc[0]),
            )
        )
    return curves


def table_of(points: Sequence[Mapping[str, Any]], confidence: float) -> pd.DataFrame:
    """Tabulate mean and interval over the seeds, one row per size.

    Args:
        points: Results of the points.
        confidence: Confidence level of the intervals.

    Returns:
        Columns curve (source and classifier), source, classifier, size (as in the settings), per_class,
        seeds, error, error_low, error_high, roc_auc, roc_auc_low, roc_auc_high; NaN if there is one seed or
        the metric is undefined. Sorted by curve and per_class.
    """
    rows = []
    frame = pd.DataFrame(points)
    for (source, classifier, count, size), own in frame.groupby(
        ["source", "classifier", "per_class", "size"], sort=True
    ):
        row: dict[str, Any] = {
            "curve": f"{source} {classifier}",
            "source": source,
            "classifier": classifier,
            "size": size,
            "per_class": count,
            "seeds": len(own),
        }
        for name in ("error", "roc_auc"):
            values = own[name].dropna() if name in own else pd.Series(dtype=float)
            found = mean_ci(list(values), confidence) if len(values) else None
            row[name] = np.nan if found is None else found.mean
            row[f"{name}_low"] = np.nan if found is None or found.low is None else found.low
            row[f"{name}_high"] = np.nan if found is None or found.high is None else found.high
        rows.append(row)
    return pd.DataFrame(rows)
