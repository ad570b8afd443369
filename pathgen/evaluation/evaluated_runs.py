"""Load evaluated runs, and group the test patches by patient or slide."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.metrics.statistics.bootstrap import Clusters, build_clusters
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import slides_known
from pathgen.results.evaluation_record import Evaluation, Thresholds
from pathgen.run_matrix import PipelineSettings, RunKey

_HINT = "Run `dvc repro evaluate`, or remove the folder if it is no output of the pipeline"


@dataclass(frozen=True)
class EvaluatedRun:
    """Scores of one run on the test patches.

    Attributes:
        key: Regime, generator, classifier and seed of the run.
        scores: P(tumor), float64 (N,).
        thresholds: Smallest scores that are called tumor.
        converged: Whether the training converged.
        repeated: Whether it is a repetition, with another seed, of one that did not.
        first_epoch: Whether the weights of the first of several epochs were kept.
    """

    key: RunKey
    scores: NDArray[np.float64]
    thresholds: Thresholds
    converged: bool = True
    repeated: bool = False
    first_epoch: bool = False


@dataclass(frozen=True)
class TestPatches:
    """Test patches of all runs.

    Attributes:
        slides: Name of each patch's slide, shape (N,).
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
    """

    __test__ = False

    slides: NDArray[np.object_]
    labels: NDArray[np.int64]


def cluster_patches(slides: NDArray[np.object_], labels: NDArray[np.int64], cohort: pd.DataFrame) -> Clusters:
    """Group test patches by patient or slide.

    Args:
        slides: Name of each patch's slide, shape (N,).
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
        cohort: Table `pathgen.patches.schemas.COHORT`: patients, and whether slides are known.

    Returns:
        The clusters of the bootstrap.
    """
    known = cohort[cohort["patient"].notna()]
    patients = dict(zip(known["slide"], known["patient"], strict=True))
    return build_clusters(slides, labels, slides_known=slides_known(cohort), patients=patients)


def load_runs(folder: Path, pipeline: PipelineSettings) -> tuple[TestPatches, list[EvaluatedRun]]:
    """Load all evaluated runs.

    Args:
        folder: Folder with one folder per run, see `pathgen.evaluation.evaluate`.
        pipeline: Section `pipeline`.

    Returns:
        The test patches, and the runs in the order of their folders' names.

    Raises:
        PathgenError: A run is missing, a folder has another name, or the runs have different test patches.
    """
    runs: list[EvaluatedRun] = []
    first: pd.DataFrame | None = None
    for path in sorted(folder.glob("[!.]*/")):
        key = pipeline.run(path.name)
        frame = read_table(path / "predictions.parquet")
        evaluation = Evaluation.load(path / "metrics.json")
        identity = frame[["slide", "item", "label"]]
        if first is None:
            first = identity
        elif not identity.equals(first):
            raise PathgenError(path, "has other test patches than the runs before it", _HINT)
        runs.append(
            EvaluatedRun(
                key,
                frame["score"].to_numpy(np.float64),
                evaluation.thresholds,
                converged=evaluation.health.converged,
                repeated=bool(evaluation.health.failed_seeds),
                first_epoch="best epoch is the first" in evaluation.health.remarks,
            )
        )
    if first is None:
        raise PathgenError(folder, "holds no evaluated run", "Run `dvc repro evaluate`")
    if missing := {run.name for run in pipeline.runs()} - {run.key.name for run in runs}:
        raise PathgenError(folder / min(missing), "holds no evaluated run", "Run `dvc repro`")
    labels = np.asarray(first["label"] == "tumor", dtype=np.int64)
    return TestPatches(first["slide"].to_numpy(), labels), runs
