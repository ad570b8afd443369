"""Read the points of the curves back, and put them in a table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.metrics.classification import mean_ci

_FACTS = {"source", "size", "per_class", "classifier", "seed", "error", "guessing", "n"}


@dataclass(frozen=True)
class Curve:
    """All points of one source and classifier.

    Attributes:
        source: ``original`` or a generator.
        classifier: Name in the registry.
        errors: Patches per class, rising, to the errors of the seeds.
        unlimited: Patches per class that stand for the size ``unlimited``; None where it was not run.
        test_patches: Patches that each error is a share of.
        guessing: Error of always saying the more frequent class of the test patches.
    """

    source: str
    classifier: str
    errors: dict[float, NDArray[np.float64]]
    unlimited: float | None
    test_patches: int
    guessing: float

    @property
    def sizes(self) -> list[float]:
        """Patches per class, rising."""
        return list(self.errors)


def read_points(folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Read what the points found.

    Args:
        folder: With one ``{name}.json`` per point.
        names: The points asked for.

    Returns:
        One row per point, in the order of the names.

    Raises:
        PathgenError: A point is missing or not readable as one.
    """
    rows = []
    for name in names:
        file = folder / f"{name}.json"
        hint = "Run make scaling again; it makes what is missing"
        try:
            row = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise PathgenError(file, "no such point of the curve", hint) from None
        except (UnicodeDecodeError, json.JSONDecodeError) as problem:
            raise PathgenError(file, f"not readable: {problem}", f"Delete it. {hint}") from None
        if not isinstance(row, dict) or not row.keys() >= _FACTS:
            raise PathgenError(file, "is no point of a curve", f"Delete it. {hint}")
        rows.append(row)
    return rows


def curves_of(points: Sequence[dict[str, Any]]) -> list[Curve]:
    """Group points into curves: the original one first, then the generators, each with all classifiers."""
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


def table_of(points: Sequence[dict[str, Any]], confidence: float) -> pd.DataFrame:
    """Put mean and interval over the seeds of each size in a row.

    Args:
        points: From `read_points`.
        confidence: Level of the intervals.

    Returns:
        Columns curve (source and classifier), source, classifier, size (as asked for), per_class, seeds,
        error, error_low, error_high, roc_auc, roc_auc_low, roc_auc_high; NaN where there is one seed, or no
        such number. Sorted by curve and per_class.
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
