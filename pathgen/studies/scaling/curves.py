"""Points grouped into curves, and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.metrics.classification import mean_ci
from pathgen.results.health_record import ClassifierHealth
from pathgen.studies.scaling.settings import ORIGINAL, UNLIMITED


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
        failed: Of each size, which of these errors are of trainings that did not converge, bool.
    """

    source: str
    classifier: str
    errors: dict[float, NDArray[np.float64]]
    unlimited: float | None
    test_patches: int
    guessing: float
    failed: Mapping[float, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def sizes(self) -> list[float]:
        """Patches per class, ascending."""
        return list(self.errors)

    def mean_error(self, size: float) -> float:
        """Return the mean error over the seeds at one of the sizes."""
        return float(self.errors[size].mean())


def failed_points(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the points whose training did not converge, as `Point.name`."""
    return [
        "-".join(str(point[part]) for part in ("source", "size", "classifier", "seed"))
        for point in points
        if not ClassifierHealth.model_validate(point["health"]).converged
    ]


def _frame(points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Tabulate the points, with the column ``failed``."""
    return pd.DataFrame([{**point, "failed": bool(failed_points([point]))} for point in points])


def curves_of(points: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """Group points into curves.

    Args:
        points: Results of the points, see `pathgen.studies.scaling.point.TrainPoint`.

    Returns:
        Curves by classifier, the original one before those of the generators.
    """
    frame = _frame(points).sort_values(["per_class", "seed"])
    curves = []
    for (source, classifier), own in frame.groupby(["source", "classifier"]):
        unlimited = own.loc[own["size"] == UNLIMITED, "per_class"]
        by_size = own.set_index("per_class")
        sizes = [(float(size), by_size.loc[[size]]) for size in by_size.index.unique()]
        curves.append(
            Curve(
                source=str(source),
                classifier=str(classifier),
                errors={size: of_size["error"].to_numpy() for size, of_size in sizes},
                unlimited=None if unlimited.empty else float(unlimited.iloc[0]),
                test_patches=int(own["n"].iloc[0]),
                guessing=float(own["guessing"].iloc[0]),
                failed={size: of_size["failed"].to_numpy() for size, of_size in sizes},
            )
        )
    return sorted(curves, key=lambda curve: (curve.classifier, curve.source != ORIGINAL, curve.source))


def table_of(points: Sequence[Mapping[str, Any]], confidence: float) -> pd.DataFrame:
    """Tabulate mean and interval over the seeds, one row per size.

    Args:
        points: Results of the points.
        confidence: Confidence level of the intervals.

    Returns:
        Columns curve (source and classifier), source, classifier, size (as in the settings), per_class,
        seeds, not_converged (number of trainings), error, error_low, error_high, roc_auc, roc_auc_low,
        roc_auc_high; no value where there is one seed or the metric is undefined. All trainings count. Sorted
        by curve and per_class.
    """
    keys = ["source", "classifier", "per_class", "size"]
    rows = []
    for (source, classifier, count, size), own in _frame(points).groupby(keys):
        row: dict[str, Any] = {
            "curve": f"{source} {classifier}",
            "source": source,
            "classifier": classifier,
            "size": size,
            "per_class": count,
            "seeds": len(own),
            "not_converged": int(own["failed"].sum()),
        }
        for name in ("error", "roc_auc"):
            values = list(own[name].dropna()) if name in own else []
            mean, low, high = mean_ci(values, confidence) if values else (None,) * 3
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)
