"""Plots over all slides of a cohort, with the names of outliers."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pathgen.survey.outliers import darkness, share_of_light
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.plotting import COLOURS, GREY, empty_plot, legend_below

# More names would overlap; the table has them all.
_NAMES = 12
# Ratio of the largest to the smallest value above which the axis is logarithmic.
_WIDE = 30.0
_KINDS: Sequence[tuple[str | None, str, str]] = (
    ("normal", "o", COLOURS[0]),
    ("tumor", "^", COLOURS[1]),
    (None, "s", GREY),
)


def _kinds(facts: pd.DataFrame) -> Iterator[tuple[NDArray[np.bool_], dict[str, Any], str]]:
    """Yield the slides of each label that has any, with marker and legend, and the colour."""
    for label, marker, colour in _KINDS:
        same = facts["label"].isna() if label is None else facts["label"] == label
        if same.any():
            words = "without a label" if label is None else LABEL_WORDS[label]
            yield same.to_numpy(dtype=bool), {"marker": marker, "label": words}, colour


def _mark_outliers(
    figure: Figure,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    facts: pd.DataFrame,
    outliers: Collection[str],
) -> None:
    """Circle the outliers and write their names, towards the centre of the plot; add the legend."""
    (axis,) = figure.axes
    outlying = facts["slide"].isin(outliers).to_numpy(dtype=bool)
    if outlying.any():
        axis.plot(x[outlying], y[outlying], "o", ms=14, mfc="none", mec="black", label="outlier")
    middle = (float(x.min()) + float(x.max())) / 2
    for place in np.flatnonzero(outlying)[:_NAMES].tolist():
        left = x[place] > middle
        axis.annotate(
            facts["slide"].iloc[place],
            (float(x[place]), float(y[place])),
            xytext=(-8 if left else 8, 4),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize="small",
        )
    legend_below(figure, ncols=4)


def plot_ranked(facts: pd.DataFrame, column: str, words: str, outliers: Collection[str]) -> Figure | None:
    """Plot one number per slide, in ascending order.

    Args:
        facts: Table of slides with ``slide``, ``label`` and the column.
        column: Column to plot.
        words: Label of the vertical axis.
        outliers: Slides to mark.

    Returns:
        Plot, or None when no slide has the number. The vertical axis is logarithmic where values differ
        widely.
    """
    known = facts[facts[column].notna()].sort_values([column, "slide"], ignore_index=True)
    if known.empty:
        return None
    figure, axis = empty_plot(height=3.4)
    values = known[column].to_numpy(dtype=np.float64)
    rank = np.arange(1.0, len(values) + 1)
    for of_kind, style, colour in _kinds(known):
        axis.plot(rank[of_kind], values[of_kind], color=colour, linestyle="none", markersize=6, **style)
    _mark_outliers(figure, rank, values, known, outliers)
    if values.min() > 0 and values.max() / values.min() > _WIDE:
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0.0, top=float(values.max()) * 1.12 or 1.0)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("slides, in ascending order")
    axis.set_ylabel(words)
    return figure


def plot_stain(facts: pd.DataFrame, outliers: Collection[str]) -> Figure | None:
    """Plot darkness and hue of the tissue of each slide, each point in the tissue's mean colour.

    Args:
        facts: Table of slides with ``slide``, ``label``, ``mean_r``, ``mean_g`` and ``mean_b``.
        outliers: Slides to mark.

    Returns:
        Plot, or None when no slide has a colour.
    """
    known = facts[facts[["mean_r", "mean_g", "mean_b"]].notna().all(axis=1)].reset_index(drop=True)
    if known.empty:
        return None
    figure, axis = empty_plot(height=4.4)
    x, y = darkness(known), share_of_light(known, 0)
    colours = known[["mean_r", "mean_g", "mean_b"]].to_numpy(dtype=np.float64) / 255
    for of_kind, style, _ in _kinds(known):
        edge: dict[str, Any] = {"edgecolors": "#333333", "linewidths": 0.8}
        axis.scatter(x[of_kind], y[of_kind], c=colours[of_kind], s=70, **edge, **style)
    _mark_outliers(figure, x, y, known, outliers)
    axis.margins(0.12)
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.set_xlabel("optical density of the tissue (paler to darker)")
    axis.set_ylabel("share of red light absorbed\n(pinker to bluer)")
    return figure
