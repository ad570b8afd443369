"""Read evaluated runs back from disk, and whether their slides and patients are known."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import read_table
from pathgen.run_matrix import RunKey, parse_run

_HINT = "Run `dvc repro evaluate` again, or remove the folder if it is not an output of the pipeline"


@dataclass(frozen=True)
class EvaluatedRun:
    """One run's scores of the test patches.

    Attributes:
        key: Which run.
        scores: P(tumor), float64 of shape (N,).
        threshold: Patches that score at least this were called tumor.
        operating_threshold: Likewise, at the operating point.
    """

    key: RunKey
    scores: NDArray[np.float64]
    threshold: float
    operating_threshold: float


@dataclass(frozen=True)
class TestPatches:
    """The test patches that all runs were judged on.

    Attributes:
        slides: Name of each patch's slide, shape (N,).
        labels: int64 of shape (N,); 0 normal, 1 tumor.
    """

    __test__ = False

    slides: NDArray[np.object_]
    labels: NDArray[np.int64]


def has_slides(cohort: pd.DataFrame) -> bool:
    """Say whether the source names slides, and not only the containers patches lie in.

    Args:
        cohort: The table `pathgen.patches.schemas.COHORT`.
    """
    return bool(cohort["slide_known"].all())


def slide_patients(cohort: pd.DataFrame) -> dict[str, str]:
    """Say whose each slide is.

    Args:
        cohort: The table `pathgen.patches.schemas.COHORT`.

    Returns:
        Slide to patient, of the slides whose patient the source names.
    """
    known = cohort[cohort["patient"].notna()]
    return dict(zip(known["slide"], known["patient"], strict=True))


def load_runs(folder: Path) -> tuple[TestPatches, list[EvaluatedRun]]:
    """Read all evaluated runs.

    Args:
        folder: Holds one folder per run, see `pathgen.evaluation.evaluate`.

    Returns:
        The test patches, and the runs in the order of their folders' names.

    Raises:
        PathgenError: There is no run, a folder is not one's, or the runs were judged on different patches.
    """
    runs: list[EvaluatedRun] = []
    first: pd.DataFrame | None = None
    for path in sorted(folder.glob("[!.]*/")):
        key = parse_run(path.name)
        if key is None:
            reason = "is not the name of a run (original or regime-generator, classifier, seed)"
            raise PathgenError(path, reason, _HINT)
        frame, thresholds = read_table(path / "predictions.parquet"), _thresholds(path / "metrics.json")
        identity = frame[["slide", "item", "label"]]
        if first is None:
            first = identity
        elif not identity.equals(first):
            raise PathgenError(path, "was judged on other test patches than the runs before it", _HINT)
        runs.append(EvaluatedRun(key, frame["score"].to_numpy(np.float64), *thresholds))
    if first is None:
        raise PathgenError(folder, "holds no evaluated run", "Run `dvc repro evaluate`")
    labels = np.asarray(first["label"] == "tumor", dtype=np.int64)
    return TestPatches(first["slide"].to_numpy(), labels), runs


def _thresholds(file: Path) -> tuple[float, float]:
    try:
        thresholds = json.loads(file.read_text(encoding="utf-8"))["thresholds"]
        return float(thresholds["call"]), float(thresholds["operating"])
    except (OSError, KeyError, TypeError, ValueError):
        raise PathgenError(file, "does not name the thresholds of its run", _HINT) from None
