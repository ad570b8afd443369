"""Read what the stages left on disk. A file that is absent is `None` or left out, never a zero."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import read_table
from pathgen.run_matrix import RunKey, kind_of, parse_run

REGIMES = ("original", "mixed", "synthetic")
_REDO = "Run `dvc repro` again"


@dataclass(frozen=True)
class ReportInputs:
    """Where the report finds its material; every one of these may be absent."""

    cohort: Path
    indexed: Path
    samples: Path
    extracted: Path
    overlays: Path
    patches: Path
    synthetic: Path
    training: Path
    gan: Path
    evaluate: Path
    fidelity: Path
    privacy: Path
    comparison: Path
    on_synthetic: Path
    scaling: Path
    dp_sweep: Path
    tuning: Path
    models: Path
    baseline: Path
    params: Path
    survey: Path


def inputs_under(root: Path) -> ReportInputs:
    """Name the inputs by the layout of the pipeline.

    Args:
        root: The folder that holds ``data/``, ``results/`` and ``params.yaml``.

    Returns:
        The paths; nothing is opened.
    """
    data, results = root / "data", root / "results"
    return ReportInputs(
        cohort=data / "cohort.parquet",
        indexed=data / "index" / "slides.parquet",
        samples=data / "samples.parquet",
        extracted=data / "patches_by_slide.parquet",
        overlays=data / "index" / "overlays",
        patches=data / "patches",
        synthetic=data / "synthetic",
        training=results / "training",
        gan=results / "gan",
        evaluate=results / "evaluate",
        fidelity=results / "fidelity",
        privacy=results / "privacy",
        comparison=results / "comparison" / "comparison.json",
        on_synthetic=results / "on_synthetic",
        scaling=results / "scaling",
        dp_sweep=results / "dp_sweep",
        tuning=results / "tuning",
        models=root / "models",
        baseline=results / "baseline.json",
        params=root / "params.yaml",
        survey=root / "report" / "cohort" / "index.html",
    )


@dataclass(frozen=True)
class Run:
    """The evaluation of one trained classifier; None where a file is absent.

    Attributes:
        key: What was trained.
        metrics: Metric key to its value; null or absent where it is undefined.
        confusion: Patches by ``tp``, ``fn``, ``tn``, ``fp``; tumour is positive.
        roc: Points of the ROC curve, columns ``false_positive_rate`` and ``true_positive_rate``; None also
            where the test patches are of one class, which has no curve.
        per_slide: One row per test slide, with ``slide``, ``n`` and metrics.
        reliability: Points of the reliability curve, columns ``mean_score``, ``tumor_share`` and ``n``.
    """

    key: RunKey
    metrics: Mapping[str, Any]
    confusion: Mapping[str, int] | None
    roc: pd.DataFrame | None
    per_slide: pd.DataFrame | None
    reliability: pd.DataFrame | None = None


def key_of(name: str) -> RunKey:
    """Read a run's folder name, see `pathgen.run_matrix.parse_run`.

    Raises:
        PathgenError: The name is not one of a run.
    """
    key = parse_run(name)
    if key is None:
        raise PathgenError(
            name,
            "is not the name of a run (regime[-generator]-classifier-seed)",
            "Remove the folder if it is not an output of the pipeline",
        )
    return key


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object.

    Args:
        path: The file.

    Returns:
        Its content, or None when there is no such file.

    Raises:
        PathgenError: The file is not a JSON object.
    """
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise PathgenError(path, f"not readable as JSON: {problem}", _REDO) from None
    if not isinstance(content, dict):
        raise PathgenError(path, "is not a JSON object", _REDO)
    return content


def read_csv(path: Path) -> pd.DataFrame | None:
    """Read a table of results.

    Args:
        path: The file.

    Returns:
        The table, or None when there is no such file.

    Raises:
        PathgenError: The file is empty or not a table.
    """
    if not path.exists():
        return None
    try:
        return pd.read_csv(path, dtype={"slide": str})
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as problem:
        raise PathgenError(path, f"not readable as a table: {problem}", _REDO) from None


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def read_runs(evaluate: Path) -> list[Run]:
    """Read every evaluated run, original first, then by generator, classifier and seed.

    Args:
        evaluate: The folder of run folders; it may be absent.

    Returns:
        The runs. An empty list when nothing was evaluated.

    Raises:
        PathgenError: A folder is not named as a run, or lacks a readable metrics.json.
    """
    runs = []
    for folder in _folders(evaluate):
        metrics = read_json(folder / "metrics.json")
        if metrics is None:
            raise PathgenError(folder / "metrics.json", "no such file", _REDO)
        roc = read_csv(folder / "roc.csv")
        runs.append(
            Run(
                key=key_of(folder.name),
                metrics=metrics,
                confusion=_confusion(folder / "predictions.parquet"),
                roc=None if roc is None or roc.empty else roc,
                per_slide=read_csv(folder / "per_slide.csv"),
                reliability=read_csv(folder / "reliability.csv"),
            )
        )
    return sorted(runs, key=lambda run: run_order(run.key))


def _confusion(predictions: Path) -> dict[str, int] | None:
    """Count the predictions by actual and predicted label."""
    if not predictions.exists():
        return None
    frame = read_table(predictions)
    actual, predicted = frame["label"] == "tumor", frame["predicted"] == "tumor"
    return {
        "tp": int((actual & predicted).sum()),
        "fn": int((actual & ~predicted).sum()),
        "tn": int((~actual & ~predicted).sum()),
        "fp": int((~actual & predicted).sum()),
    }


def run_order(key: RunKey) -> tuple[str, int, str, str, int]:
    """Return a sorting key: classifier, regime as in the paper's table, generator's kind, generator, seed."""
    kind = "" if key.generator is None else kind_of(key.generator)
    return (key.classifier, REGIMES.index(key.regime), kind, key.generator or "", key.seed)


def read_histories(parent: Path) -> dict[str, pd.DataFrame]:
    """Read the ``history.csv`` of each training under a folder.

    Args:
        parent: Folder of one folder per training; it may be absent.

    Returns:
        Name of the training to its table, sorted by name.

    Raises:
        PathgenError: A table is not readable.
    """
    histories = {}
    for folder in _folders(parent):
        history = read_csv(folder / "history.csv")
        if history is not None:
            histories[folder.name] = history
    return histories


def read_fidelity(folder: Path) -> dict[str, dict[str, Any]]:
    """Read ``{generator}.json`` of each generator; an absent folder gives an empty dict."""
    if not folder.is_dir():
        return {}
    return {path.stem: read_json(path) or {} for path in sorted(folder.glob("*.json"))}


def read_metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """Read ``{name}/metrics.json`` of each folder in one; an absent folder gives an empty dict."""
    found = {path.name: read_json(path / "metrics.json") for path in _folders(folder)}
    return {name: content for name, content in found.items() if content is not None}
