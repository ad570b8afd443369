"""The result table, one row per regime, generator and classifier: as data, markdown and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pandas as pd

from pathgen.metrics.classification import mean_ci
from pathgen.report import reference_results
from pathgen.report.load import Run, run_order
from pathgen.run_matrix import RunKey, kind_of, regime_name

UNDEFINED = "undefined"
NOT_RUN = "not run"
NOT_PUBLISHED = "–"
#: Metric keys of the table, in order, with the words a reader sees.
TABLE_METRICS: Mapping[str, str] = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC-AUC",
}
REGIME_WORDS = {
    "original": "original patches",
    "mixed": "original and synthetic patches",
    "synthetic": "synthetic patches",
}
_PLACES = 3


@dataclass(frozen=True)
class Summary:
    """A metric over the seeds of one row.

    Attributes:
        mean: Mean over the runs in which the metric is defined; None when it is defined in none.
        low: Lower end of the interval of the mean; None with fewer than two defined values.
        high: Upper end.
        defined: In how many runs the metric is defined.
        runs: How many runs there are.
    """

    mean: float | None
    low: float | None
    high: float | None
    defined: int
    runs: int


@dataclass(frozen=True)
class Row:
    """One line of the result table.

    Attributes:
        regime: ``original``, ``mixed`` or ``synthetic``.
        generator: Where the synthetic patches are from, replicates together; None for the original regime.
        classifier: Name of the classifier.
        runs: The evaluations, one per seed.
        metrics: Metric key to its summary, keys as in `TABLE_METRICS`.
        published: Metric key to the paper's value; keys that the paper has.
        confusion: Sums over the runs with keys ``tp``, ``fp``, ``tn``, ``fn``; None when any is unknown.
    """

    regime: str
    generator: str | None
    classifier: str
    runs: Sequence[Run]
    metrics: Mapping[str, Summary]
    published: Mapping[str, float]
    confusion: Mapping[str, int] | None

    @property
    def name(self) -> str:
        """Regime and generator as in paths, e.g. ``mixed-dcgan``."""
        return regime_name(self.regime, self.generator)

    @property
    def words(self) -> str:
        """What the classifier was trained on, for a reader."""
        by = f" ({self.generator})" if self.generator else ""
        return REGIME_WORDS[self.regime] + by


def summarise(values: Sequence[float | None], confidence: float, lowest: float = 0.0) -> Summary:
    """Summarise one metric over runs.

    Args:
        values: One per run, at most 1; None or NaN where the metric is undefined.
        confidence: Level of the interval, in (0, 1).
        lowest: The least value there can be: 0 for a share, -1 for a difference of shares.

    Returns:
        Mean and interval of the defined values, never counting an undefined one as 0. The interval is
        Student's, cut where no value can be.
    """
    defined = [float(value) for value in values if value is not None and not pd.isna(value)]
    if not defined:
        return Summary(None, None, None, 0, len(values))
    over = mean_ci(defined, confidence)
    low, high = (None if end is None else min(max(end, lowest), 1.0) for end in (over.low, over.high))
    return Summary(over.mean, low, high, len(defined), len(values))


def result_rows(runs: Sequence[Run], confidence: float) -> list[Row]:
    """Gather the runs into rows.

    Args:
        runs: All evaluated runs.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        One row per regime, generator and classifier, in the paper's order of regimes.
    """

    def line(run: Run) -> tuple[str, int, str]:
        return run_order(run.key)[:3]

    return [
        _row(list(group), confidence)
        for _, group in groupby(sorted(runs, key=lambda run: run_order(run.key)), line)
    ]


def _row(runs: Sequence[Run], confidence: float) -> Row:
    key: RunKey = runs[0].key
    generator = None if key.generator is None else kind_of(key.generator)
    published = {
        metric: value
        for metric in TABLE_METRICS
        if (value := reference_results.reference(key.regime, generator, key.classifier, metric)) is not None
    }
    return Row(
        regime=key.regime,
        generator=generator,
        classifier=key.classifier,
        runs=runs,
        metrics={
            metric: summarise([run.metrics.get(metric) for run in runs], confidence)
            for metric in TABLE_METRICS
        },
        published=published,
        confusion=_confusion_sum(runs),
    )


def _confusion_sum(runs: Sequence[Run]) -> dict[str, int] | None:
    known = [run.confusion for run in runs if run.confusion is not None]
    if len(known) < len(runs):
        return None
    return {cell: sum(counts[cell] for counts in known) for cell in ("tp", "fp", "tn", "fn")}


def number(value: float | None, places: int = _PLACES) -> str:
    """Write a number for a reader; None becomes the word undefined."""
    return UNDEFINED if value is None or pd.isna(value) else f"{value:.{places}f}"


def interval(summary: Summary, places: int = _PLACES) -> str:
    """Write the interval or that there is none, and in how many runs the metric is defined if not in all."""
    if summary.mean is None:
        return ""
    only = "" if summary.defined == summary.runs else f", defined in {summary.defined} of {summary.runs} runs"
    if summary.low is None or summary.high is None:
        return f"no interval{only}"
    return f"{number(summary.low, places)} to {number(summary.high, places)}{only}"


def markdown_table(rows: Sequence[Row], baseline: float | None) -> str:
    """Write the table as markdown.

    Args:
        rows: The lines (see `result_rows`).
        baseline: Accuracy of a classifier on the mean colour alone; None when that was not run.

    Returns:
        Markdown: each cell the mean, its interval in parentheses and the paper's value in brackets.
    """
    head = ["trained on", "classifier", "runs", *TABLE_METRICS.values()]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        cells = [row.words, row.classifier, str(len(row.runs))]
        lines.append(_line(cells + [_markdown_cell(row, metric) for metric in TABLE_METRICS]))
    if not rows:
        lines.append(_line(["original, mixed, synthetic", "", "0", *([NOT_RUN] * len(TABLE_METRICS))]))
    colour = [number(baseline) if baseline is not None else NOT_RUN]
    lines.append(
        _line(
            [
                REGIME_WORDS["original"],
                "mean colour",
                "",
                *colour,
                *[NOT_PUBLISHED] * (len(TABLE_METRICS) - 1),
            ]
        )
    )
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(row: Row, metric: str) -> str:
    summary = row.metrics[metric]
    text = number(summary.mean)
    if summary.mean is not None:
        text += f" ({interval(summary)})"
    if metric in row.published:
        text += f" [paper {row.published[metric]:.2f}]"
    return text


def json_table(rows: Sequence[Row], baseline: float | None) -> dict[str, Any]:
    """Write the table as nested numbers, for ``dvc metrics``.

    Args:
        rows: The lines (see `result_rows`).
        baseline: Accuracy on the mean colour alone; None when not run.

    Returns:
        ``{classifier: {regime: {metric: {mean, low, high, paper}, runs}}}``; only numbers that exist.
    """
    table: dict[str, Any] = {}
    for row in rows:
        cells: dict[str, Any] = {"runs": len(row.runs)}
        for metric, summary in row.metrics.items():
            values = {
                "mean": summary.mean,
                "low": summary.low,
                "high": summary.high,
                "paper": row.published.get(metric),
            }
            known = {name: value for name, value in values.items() if value is not None}
            if known:
                cells[metric] = known
        if row.confusion is not None:
            cells["confusion"] = dict(row.confusion)
        table.setdefault(row.classifier, {})[row.name] = cells
    if baseline is not None:
        table["mean_colour"] = {"original": {"accuracy": {"mean": baseline}}}
    return table


def runs_table(rows: Sequence[Row]) -> pd.DataFrame:
    """List every run, for ``dvc plots``.

    Args:
        rows: The lines (see `result_rows`).

    Returns:
        Columns regime (with the kind of generator), generator, classifier, seed, and each metric; empty
        where undefined.
    """
    runs = [
        {
            "regime": row.name,
            "generator": run.key.generator or "",
            "classifier": row.classifier,
            "seed": run.key.seed,
            **{metric: run.metrics.get(metric) for metric in TABLE_METRICS},
        }
        for row in rows
        for run in row.runs
    ]
    return pd.DataFrame(runs, columns=["regime", "generator", "classifier", "seed", *TABLE_METRICS])
