"""Estimates that have one value per training: calibration error, and accuracy on synthetic patches (TRTS)."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from pathgen.metrics.statistics.confidence_intervals import proportion_ci, training_se
from pathgen.report.result_table import Row
from pathgen.results.evaluation import SyntheticEvaluation
from pathgen.webpage.formatting import Estimate


def _mean_over_trainings(
    values: Sequence[float], generators: Sequence[str], seeds: Sequence[int], confidence: float
) -> Estimate:
    """Average shares over trainings; no interval where there is one training, or where all agree."""
    mean, spread = fmean(values), training_se(values, generators, seeds)
    low, high = (None, None) if spread is None else proportion_ci(mean, spread, confidence) or (None, None)
    return Estimate(mean, low, high, len(values), len(values))


def calibration_errors(row: Row, confidence: float) -> Estimate | None:
    """Average the calibration error of a row's runs; None when no run has one."""
    runs = [run for run in row.runs if run.metrics.get("calibration_error") is not None]
    if not runs:
        return None
    values = [float(run.metrics["calibration_error"] or 0) for run in runs]
    generators, seeds = [run.key.generator or "" for run in runs], [run.key.seed for run in runs]
    return _mean_over_trainings(values, generators, seeds, confidence)


def both_ways(
    found: Mapping[tuple[str, str, int], SyntheticEvaluation], rows: Sequence[Row], confidence: float
) -> dict[tuple[str, str], tuple[Estimate, Estimate | None]]:
    """Compare accuracy on synthetic patches (TRTS) with accuracy after training on them (TSTR).

    Args:
        found: Generator, classifier and seed to the evaluation on synthetic patches.
        rows: Rows of the result table.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        Generator and classifier to the accuracies by TRTS and by TSTR, None when that was not run.
    """
    values: dict[tuple[str, str], dict[int, float]] = {}
    for (generator, classifier, seed), record in found.items():
        accuracy = record.metrics.get("accuracy")
        if accuracy is not None:
            values.setdefault((generator, classifier), {})[seed] = accuracy
    synthetic = [row for row in rows if row.regime == "synthetic"]
    tstr = {
        (run.key.generator, row.classifier): row.metrics["accuracy"] for row in synthetic for run in row.runs
    }
    trts = {
        names: _mean_over_trainings(
            list(of_seed.values()), [names[0]] * len(of_seed), list(of_seed), confidence
        )
        for names, of_seed in values.items()
    }
    return {names: (estimate, tstr.get(names)) for names, estimate in trts.items()}
