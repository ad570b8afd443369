"""Plots of the report: series differ in marker and line style as well as in colour."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.core.labels import LABELS
from pathgen.report.result_table import Row
from pathgen.results.comparison import RegimeDifference
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.plotting import COLOURS, GREY, LINES, MARKERS, empty_plot

_ROC_POINTS = 300
_TIMES = ("epoch", "kimg", "step")


def plot_accuracy(rows: Sequence[Row], baseline: float | None) -> Figure:
    """Plot each row's accuracy with its interval, every single run, and the value of the paper.

    Args:
        rows: Rows of the result table.
        baseline: Accuracy of a classifier on the mean colour alone; None when it was not run.

    Returns:
        Plot with one horizontal line per row.
    """
    figure, axis = empty_plot(height=1.9 + 0.7 * len(rows))
    for place, row in enumerate(rows):
        estimate = row.metrics["accuracy"]
        single = [run.metrics.get("accuracy") for run in row.runs]
        values = [value for value in single if value is not None]
        axis.plot(
            values,
            [place + 0.22] * len(values),
            "|",
            color=GREY,
            markersize=8,
            label="single runs" if place == 0 else None,
        )
        if estimate.mean is not None:
            low = estimate.mean if estimate.low is None else estimate.low
            high = estimate.mean if estimate.high is None else estimate.high
            axis.errorbar(
                [estimate.mean],
                [place],
                xerr=[[estimate.mean - low], [high - estimate.mean]],
                color=COLOURS[0],
                marker="o",
                markersize=7,
                capsize=5,
                linestyle="none",
                label="this run: mean, interval" if place == 0 else None,
            )
    published = [
        (row.published["accuracy"], at) for at, row in enumerate(rows) if "accuracy" in row.published
    ]
    if published:
        axis.plot(
            *zip(*published, strict=True),
            "D",
            color=COLOURS[1],
            markerfacecolor="none",
            markersize=9,
            label="paper",
        )
    if baseline is not None:
        axis.axvline(baseline, color=COLOURS[2], linestyle="--", label="mean colour alone")
    axis.axvline(0.5, color=GREY, linestyle=":", label="chance level")
    axis.set_yticks(range(len(rows)), [f"{row.name}\n{row.classifier}" for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("accuracy on the original test patches")
    axis.set_xlim(right=min(1.0, axis.get_xlim()[1]))
    figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    return figure


def plot_roc(rows: Sequence[Row]) -> Figure:
    """Plot the ROC curve of every run, in one style per row.

    Args:
        rows: Rows of the result table whose runs have curves.

    Returns:
        Plot.
    """
    figure, axis = empty_plot(height=5.4)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="chance level")
    for place, row in enumerate(rows):
        curves = [run.roc for run in row.runs if run.roc is not None]
        for number, curve in enumerate(curves):
            keep = np.unique(np.linspace(0, len(curve) - 1, min(_ROC_POINTS, len(curve))).astype(int))
            axis.plot(
                curve["false_positive_rate"].to_numpy()[keep],
                curve["true_positive_rate"].to_numpy()[keep],
                linewidth=1.6,
                alpha=0.8,
                label=f"{row.words}, {row.classifier}" if number == 0 else None,
                color=COLOURS[place % len(COLOURS)],
                linestyle=LINES[place % len(LINES)],
            )
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axis.set_xlabel("false-positive rate (1 − specificity)")
    axis.set_ylabel("true-positive rate (sensitivity)")
    axis.legend(loc="lower right", fontsize="small")
    return figure


def plot_differences(pairs: Sequence[RegimeDifference]) -> Figure:
    """Plot differences in accuracy with their intervals.

    Args:
        pairs: Pairs of regimes that have an accuracy.

    Returns:
        Plot with one horizontal line per pair.
    """
    figure, axis = empty_plot(height=1.4 + 0.7 * len(pairs))
    for place, pair in enumerate(pairs):
        found = pair.metrics["accuracy"]
        at = found.difference
        low = at if found.low is None else found.low
        high = at if found.high is None else found.high
        reach = [[at - low], [high - at]]
        axis.errorbar(
            [at], [place], xerr=reach, color=COLOURS[0], marker="o", markersize=7, capsize=5, linestyle="none"
        )
    axis.axvline(0, color=GREY, linestyle=":")
    names = [f"{pair.regime}\n− {pair.against}\n{pair.classifier}" for pair in pairs]
    axis.set_yticks(range(len(pairs)), names, fontsize="small")
    axis.set_ylim(len(pairs) - 0.5, -0.5)
    axis.set_xlabel("difference in accuracy on the original test patches")
    return figure


def plot_reliability(rows: Sequence[Row]) -> Figure:
    """Plot the share of tumour patches against the predicted probability, in one style per row.

    Args:
        rows: Rows of the result table whose runs have curves.

    Returns:
        Plot.
    """
    figure, axis = empty_plot(height=5.4)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="calibrated")
    for place, row in enumerate(rows):
        curves = [run.reliability for run in row.runs if run.reliability is not None]
        for number, curve in enumerate(curves):
            axis.plot(
                curve["mean_score"],
                curve["tumor_share"],
                linewidth=1.4,
                alpha=0.85,
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
                label=f"{row.words}, {row.classifier}" if number == 0 else None,
                color=COLOURS[place % len(COLOURS)],
                linestyle=LINES[place % len(LINES)],
            )
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axis.set_xlabel("predicted probability of tumour")
    axis.set_ylabel("observed share of tumour")
    figure.legend(loc="outside lower center", ncols=1, fontsize="small", frameon=False)
    return figure


def plot_confusion(cells: Mapping[str, int]) -> Figure:
    """Plot one confusion matrix, shaded by the share of the actual class.

    Args:
        cells: Number of patches by ``tp``, ``fn``, ``tn``, ``fp``.

    Returns:
        Plot.
    """
    figure, axis = empty_plot(width=3.0, height=2.9)
    counts = np.array([[cells["tn"], cells["fp"]], [cells["fn"], cells["tp"]]])
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


def plot_histories(
    histories: Mapping[str, pd.DataFrame], groups: Mapping[str, str], word: str
) -> Figure | None:
    """Plot training histories: one colour per group, one line style per column.

    Args:
        histories: Name of the training to its table; its column ``epoch``, ``kimg`` or ``step`` is the
            horizontal axis.
        groups: Name of the training to its group, e.g. its regime.
        word: Columns whose name contains this word are plotted.

    Returns:
        Plot, or None when no table has such a column.
    """
    columns = list(dict.fromkeys(_columns_with(word, histories.values())))
    if not columns:
        return None
    figure, axis = empty_plot(height=4.2)
    names = list(dict.fromkeys(groups.values()))
    named: set[str] = set()
    for name, history in histories.items():
        group = groups[name]
        time = next(column for column in _TIMES if column in history.columns)
        for column in columns:
            if column not in history.columns:
                continue
            label = group if len(columns) == 1 else f"{group}, {_words(column)}"
            axis.plot(
                history[time],
                history[column],
                color=COLOURS[names.index(group) % len(COLOURS)],
                # With one column the line style is free to separate the groups in print, too.
                linestyle=LINES[
                    (columns.index(column) if len(columns) > 1 else names.index(group)) % len(LINES)
                ],
                linewidth=1.6,
                alpha=0.85,
                label=None if label in named else label,
            )
            named.add(label)
        axis.set_xlabel({"kimg": "thousand images seen by the discriminator (kimg)"}.get(time, time))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(
        loc="outside lower center", ncols=1 if len(named) < 3 else 2, fontsize="small", frameon=False
    )
    return figure


def _words(column: str) -> str:
    words = {"real": "original", "fake": "synthetic"}
    return " ".join(words.get(word, word) for word in column.rsplit("/", 1)[-1].split("_"))


def _columns_with(word: str, histories: Iterable[pd.DataFrame]) -> Iterator[str]:
    """Yield the columns with numbers whose name contains the word."""
    for history in histories:
        if any(time in history.columns for time in _TIMES):
            for column in history.columns:
                if word in column and bool(history[column].notna().any()):
                    yield str(column)
