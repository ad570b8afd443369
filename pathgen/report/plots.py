"""Plots of the result table: series differ in marker and line style as well as in colour."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pathgen.core.labels import LABELS
from pathgen.report.read_results import Run
from pathgen.report.result_table import Row
from pathgen.results.comparison_record import Comparison, RegimeDifference
from pathgen.results.evaluation_record import Confusion
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.formatting import number, signed
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, GREY, LINES, MARKERS, empty_plot, legend_below

_MAX_POINTS = 300


def result_plots(rows: Sequence[Row], baseline: float) -> list[Picture]:
    """Plot the accuracies, and the ROC curves where the runs have them.

    Args:
        rows: Rows of the result table.
        baseline: Accuracy on the mean colour alone.

    Returns:
        Up to two plots.
    """
    shown = []
    if rows:
        means = "; ".join(
            f"{row.words}, {row.classifier}: {number(row.metrics['accuracy'].mean)}" for row in rows
        )
        figure = _plot_accuracy(rows, baseline)
        shown.append(svg_picture(figure, f"Accuracy by regime. {means}.", "Accuracy by regime."))
    curved = [row for row in rows if any(run.roc is not None for run in row.runs)]
    if curved:
        areas = "; ".join(f"{row.words}: area {number(row.metrics['roc_auc'].mean)}" for row in curved)
        caption = "ROC curves, one line per run. Curves closer to the upper left corner are better."
        shown.append(svg_picture(_plot_roc(curved), f"ROC curves. {areas}.", caption))
    return shown


def comparison_plot(comparison: Comparison) -> list[Picture]:
    """Plot the differences in accuracy between regimes with their intervals; none without a difference."""
    pairs = [pair for pair in comparison.differences if "accuracy" in pair.metrics]
    if not pairs:
        return []
    values = "; ".join(
        f"{pair.regime} minus {pair.against}, {pair.classifier}: "
        + signed(pair.metrics["accuracy"].difference)
        for pair in pairs
    )
    caption = "Differences in accuracy between regimes; left of 0 the first regime is worse."
    return [svg_picture(_plot_differences(pairs), f"Differences in accuracy. {values}.", caption)]


def reliability_plot(rows: Sequence[Row]) -> list[Picture]:
    """Plot the reliability curves of the runs that have one."""
    curved = [row for row in rows if any(run.reliability is not None for run in row.runs)]
    if not curved:
        return []
    names = ", ".join(f"{row.words}, {row.classifier}" for row in curved)
    caption = "Reliability, one line per run. Below the diagonal the classifier is overconfident of tumour."
    return [svg_picture(_plot_reliability(curved), f"Reliability curves of {names}", caption)]


def confusion_plots(rows: Sequence[Row]) -> list[Picture]:
    """Plot the confusion matrix of every row."""
    return [
        svg_picture(
            _plot_confusion(row.confusion),
            f"Confusion matrix of {row.classifier} trained on {row.words}; the table below has the numbers",
            f"{row.words}, {row.classifier}",
        )
        for row in rows
    ]


def _plot_accuracy(rows: Sequence[Row], baseline: float) -> Figure:
    """Plot each row's accuracy with its interval, every single run, and the value of the paper."""
    figure, axis = empty_plot(height=1.9 + 0.7 * len(rows))
    for place, row in enumerate(rows):
        estimate = row.metrics["accuracy"]
        single = [run.metrics.get("accuracy") for run in row.runs]
        values = [value for value in single if value is not None]
        heights = [place + 0.22] * len(values)
        label = "single runs" if place == 0 else None
        axis.plot(values, heights, "|", color=GREY, markersize=8, label=label)
        if estimate.mean is not None:
            label = "this run: mean, interval" if place == 0 else None
            _plot_interval(axis, place, estimate.mean, estimate.low, estimate.high, label)
    published = [
        (row.published["accuracy"], at) for at, row in enumerate(rows) if "accuracy" in row.published
    ]
    if published:
        hollow: dict[str, Any] = {"color": COLOURS[1], "markerfacecolor": "none"}
        axis.plot(*zip(*published, strict=True), "D", **hollow, markersize=9, label="paper")
    axis.axvline(baseline, color=COLOURS[2], linestyle="--", label="mean colour alone")
    axis.axvline(0.5, color=GREY, linestyle=":", label="chance level")
    axis.set_yticks(range(len(rows)), [f"{row.name}\n{row.classifier}" for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("accuracy on the original test patches")
    axis.set_xlim(right=min(1.0, axis.get_xlim()[1]))
    legend_below(figure, ncols=2)
    return figure


def _plot_differences(pairs: Sequence[RegimeDifference]) -> Figure:
    """Plot the differences in accuracy with their intervals, one line per pair."""
    figure, axis = empty_plot(height=1.4 + 0.7 * len(pairs))
    for place, pair in enumerate(pairs):
        found = pair.metrics["accuracy"]
        _plot_interval(axis, place, found.difference, found.low, found.high)
    axis.axvline(0, color=GREY, linestyle=":")
    names = [f"{pair.regime}\n− {pair.against}\n{pair.classifier}" for pair in pairs]
    axis.set_yticks(range(len(pairs)), names, fontsize="small")
    axis.set_ylim(len(pairs) - 0.5, -0.5)
    axis.set_xlabel("difference in accuracy on the original test patches")
    return figure


def _plot_interval(
    axis: Axes, place: int, at: float, low: float | None, high: float | None, label: str | None = None
) -> None:
    """Plot an estimate with its interval, horizontally."""
    reach = [[0.0 if low is None else at - low], [0.0 if high is None else high - at]]
    style: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 7, "linestyle": "none"}
    axis.errorbar([at], [place], xerr=reach, capsize=5, label=label, **style)


def _plot_roc(rows: Sequence[Row]) -> Figure:
    columns = ("false_positive_rate", "true_positive_rate")
    figure, axis = _plot_curves(rows, lambda run: run.roc, columns, "chance level", linewidth=1.6, alpha=0.8)
    axis.set(xlabel="false-positive rate (1 − specificity)", ylabel="true-positive rate (sensitivity)")
    axis.legend(loc="lower right", fontsize="small")
    return figure


def _plot_reliability(rows: Sequence[Row]) -> Figure:
    """Plot the share of tumour patches against the predicted probability."""
    columns = ("mean_score", "tumor_share")
    style = {"linewidth": 1.4, "alpha": 0.85, "markersize": 4}
    figure, axis = _plot_curves(rows, lambda run: run.reliability, columns, "calibrated", MARKERS, **style)
    axis.set(xlabel="predicted probability of tumour", ylabel="observed share of tumour")
    legend_below(figure)
    return figure


def _plot_curves(
    rows: Sequence[Row],
    curve_of: Callable[[Run], pd.DataFrame | None],
    columns: tuple[str, str],
    diagonal: str,
    markers: Sequence[str] = ("none",),
    **style: Any,
) -> tuple[Figure, Axes]:
    """Plot one curve per run in the unit square, in the style of its row, and the named diagonal."""
    figure, axis = empty_plot(height=5.4)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label=diagonal)
    for place, row in enumerate(rows):
        curves = [curve for run in row.runs if (curve := curve_of(run)) is not None]
        for number_of_run, curve in enumerate(curves):
            keep = np.unique(np.linspace(0, len(curve) - 1, min(_MAX_POINTS, len(curve))).astype(int))
            axis.plot(
                *(curve[column].to_numpy()[keep] for column in columns),
                label=f"{row.words}, {row.classifier}" if number_of_run == 0 else None,
                color=COLOURS[place % len(COLOURS)],
                linestyle=LINES[place % len(LINES)],
                marker=markers[place % len(markers)],
                **style,
            )
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    return figure, axis


def _plot_confusion(cells: Confusion) -> Figure:
    """Plot one confusion matrix, shaded by the share of the actual class."""
    figure, axis = empty_plot(width=3.0, height=2.9)
    counts = np.array(
        [[cells.true_negative, cells.false_positive], [cells.false_negative, cells.true_positive]]
    )
    totals = counts.sum(axis=1)
    axis.grid(False)
    axis.imshow(counts / np.maximum(totals[:, None], 1), cmap="Blues", vmin=0, vmax=1)
    for (actual, predicted), count in np.ndenumerate(counts):
        share = count / totals[actual] if totals[actual] else None
        text = f"{count:,}" if share is None else f"{count:,}\n{share:.0%}"
        dark = share is not None and share > 0.55
        axis.text(predicted, actual, text, ha="center", va="center", color="white" if dark else "black")
    words = [LABEL_WORDS[label] for label in LABELS]
    axis.set_xticks(range(2), words)
    axis.set_yticks(range(2), words, rotation=90, va="center")
    axis.set_xlabel("predicted")
    axis.set_ylabel("actual")
    return figure
