"""The result table, one row per regime, generator and classifier, and other means over trainings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

import numpy as np
import pandas as pd

from pathgen.metrics.classification import TABLE_METRICS
from pathgen.metrics.statistics.confidence_intervals import proportion_ci, training_se
from pathgen.report import reference_results
from pathgen.report.read_results import Run
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Confusion, SyntheticEvaluation
from pathgen.results.headline_record import Headline, HeadlineCounts, HeadlineMetric, HeadlineRow
from pathgen.run_matrix import regime_name
from pathgen.webpage.formatting import Estimate

_REGIME_WORDS = {
    "original": "original patches",
    "mixed": "original and synthetic patches",
    "synthetic": "synthetic patches",
}


def regime_words(regime: str) -> str:
    """Write a regime's name, e.g. ``mixed-dcgan``, for a reader."""
    kind, _, generator = regime.partition("-")
    return _REGIME_WORDS[kind] + (f" ({generator})" if generator else "")


@dataclass(frozen=True)
class Row:
    """One row of the result table.

    Attributes:
        regime: ``original``, ``mixed`` or ``synthetic``.
        generator: Name of the generator; None for the original regime.
        classifier: Name of the classifier.
        runs: Evaluations, one per seed.
        metrics: Metric to its estimate, keys as in `TABLE_METRICS`.
        published: Metric to the paper's value, where the paper has one.
        confusion: Confusion matrix summed over the runs.
    """

    regime: str
    generator: str | None
    classifier: str
    runs: Sequence[Run]
    metrics: Mapping[str, Estimate]
    published: Mapping[str, float]
    confusion: Confusion

    @property
    def name(self) -> str:
        """Regime and generator as in paths, e.g. ``mixed-dcgan``."""
        return regime_name(self.regime, self.generator)

    @property
    def words(self) -> str:
        """Training patches of the regime, for a reader."""
        return regime_words(self.name)

    @property
    def failed(self) -> list[Run]:
        """Runs whose training did not converge."""
        return [run for run in self.runs if not run.converged]


def result_rows(runs: Sequence[Run], comparison: Comparison) -> list[Row]:
    """Group the runs into rows.

    Args:
        runs: Evaluated runs.
        comparison: Comparison of the regimes; a metric without an interval there has none.

    Returns:
        One row per regime, generator and classifier, in the paper's order of regimes.
    """
    groups = groupby(sorted(runs, key=lambda run: run.key.order), lambda run: run.key.order[:3])
    return [_row(list(group), comparison) for _, group in groups]


def _row(runs: Sequence[Run], comparison: Comparison) -> Row:
    key = runs[0].key
    compared = comparison.regime(key.classifier, key.regime_name)
    metrics = {}
    for metric in TABLE_METRICS:
        values = [run.metrics.get(metric) for run in runs]
        defined = [float(value) for value in values if value is not None and not math.isnan(value)]
        mean = float(np.mean(defined)) if defined else None
        found = None if compared is None else compared.metrics.get(metric)
        low, high = (None, None) if found is None else (found.low, found.high)
        metrics[metric] = Estimate(mean, low, high, len(defined), len(runs))
    return Row(
        regime=key.regime,
        generator=key.generator,
        classifier=key.classifier,
        runs=runs,
        metrics=metrics,
        published=reference_results.published(key.regime, key.generator, key.classifier),
        confusion=Confusion(
            **{cell: sum(getattr(run.confusion, cell) for run in runs) for cell in Confusion.model_fields}
        ),
    )


def to_headline(rows: Sequence[Row], baseline: float) -> Headline:
    """Return the defined numbers of the table; the baseline is the classifier ``mean_colour``."""
    table: dict[str, dict[str, HeadlineRow]] = {}
    for row in rows:
        cells = row.confusion
        counts = HeadlineCounts(
            tp=cells.true_positive, fp=cells.false_positive, tn=cells.true_negative, fn=cells.false_negative
        )
        metrics = {}
        for metric, one in row.metrics.items():
            paper = row.published.get(metric)
            values = {"mean": one.mean, "low": one.low, "high": one.high, "paper": paper}
            if known := {name: value for name, value in values.items() if value is not None}:
                metrics[metric] = HeadlineMetric(**known)
        of_classifier = table.setdefault(row.classifier, {})
        of_classifier[row.name] = HeadlineRow(runs=len(row.runs), confusion=counts, **metrics)
    table["mean_colour"] = {"original": HeadlineRow(accuracy=HeadlineMetric(mean=baseline))}
    return Headline(**table)


def runs_table(rows: Sequence[Row]) -> pd.DataFrame:
    """List every run, for ``dvc plots``.

    Args:
        rows: Rows of the table.

    Returns:
        Columns regime (with generator), generator, replicate, classifier, seed, and each metric; empty where
        it is undefined.
    """
    runs = [
        {
            "regime": row.name,
            "generator": run.key.generator or "",
            "replicate": run.key.replicate,
            "classifier": row.classifier,
            "seed": run.key.seed,
            **{metric: run.metrics.get(metric) for metric in TABLE_METRICS},
        }
        for row in rows
        for run in row.runs
    ]
    return pd.DataFrame(
        runs, columns=["regime", "generator", "replicate", "classifier", "seed", *TABLE_METRICS]
    )


def _mean_over_trainings(
    values: Sequence[float], replicates: Sequence[int | None], seeds: Sequence[int], confidence: float
) -> Estimate:
    """Average shares over trainings; no interval where there is one training, or where all agree."""
    mean, spread = fmean(values), training_se(values, replicates, seeds)
    low, high = (None, None) if spread is None else proportion_ci(mean, spread, confidence) or (None, None)
    return Estimate(mean, low, high, len(values), len(values))


def calibration_errors(row: Row, confidence: float) -> Estimate | None:
    """Average the calibration error of a row's runs; None when no run has one."""
    runs = [run for run in row.runs if run.metrics.get("calibration_error") is not None]
    if not runs:
        return None
    values = [float(run.metrics["calibration_error"] or 0) for run in runs]
    replicates, seeds = [run.key.replicate for run in runs], [run.key.seed for run in runs]
    return _mean_over_trainings(values, replicates, seeds, confidence)


def intended_shares(
    found: Mapping[tuple[str, str, int], SyntheticEvaluation],
    replicate_of_seed: Mapping[int, int],
    confidence: float,
) -> dict[tuple[str, str], Estimate]:
    """Average the accuracy on synthetic patches (TRTS) over classifiers.

    Args:
        found: Generator, classifier and seed to the evaluation on synthetic patches.
        replicate_of_seed: Seed of a classifier to the number of the replicate whose patches it is tested on.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        Generator and classifier to the share of patches that are assigned to their intended class.
    """
    values: dict[tuple[str, str], dict[int, float]] = {}
    for (generator, classifier, seed), record in found.items():
        accuracy = record.metrics.get("accuracy")
        if accuracy is not None:
            values.setdefault((generator, classifier), {})[seed] = accuracy
    return {
        names: _mean_over_trainings(
            list(of_seed.values()), [replicate_of_seed[seed] for seed in of_seed], list(of_seed), confidence
        )
        for names, of_seed in values.items()
    }
