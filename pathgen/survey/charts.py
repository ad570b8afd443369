"""Plots over all slides of a cohort, with the names of outliers."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.survey.outliers import trait_values
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.plotting import COLOURS, GREY, empty_plot, legend_below

# More names would overlap; the table has them all.
_NAMES = 12
# Ratio of the largest to the smallest value above which the axis is logarithmic.
_WIDE = 30.0
_COLOUR = ["mean_r", "mean_g", "mean_b"]
_KINDS = (("normal", "o", COLOURS[0]), ("tumor", "^", COLOURS[1]), ("without a label", "s", GREY))


def _kinds(points: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, dict[str, Any], str]]:
    """Yield the points of each label that has any, with marker and legend, and the colour."""
    for label, marker, colour in _KINDS:
        same = points[points["label"].fillna("without a label") == label]
        if len(same):
            yield same, {"marker": marker, "label": LABEL_WORDS.get(label, label)}, colour


def _mark_outliers(figure: Figure, points: pd.DataFrame, outliers: Collection[str]) -> None:
    """Circle the outliers and write their names, towards the centre of the plot; add the legend."""
    (axis,) = figure.axes
    outlying = points[points["slide"].isin(outliers)]
    if len(outlying):
        axis.plot(outlying["x"], outlying["y"], "o", ms=14, mfc="none", mec="black", label="outlier")
    middle = (points["x"].min() + points["x"].max()) / 2
    for slide, x, y in outlying[["slide", "x", "y"]].head(_NAMES).itertuples(index=False):
        axis.annotate(
            slide,
            (x, y),
            xytext=(-8 if x > middle else 8, 4),
            textcoords="offset points",
            ha="right" if x > middle else "left",
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
    points = known.assign(x=np.arange(1.0, len(values) + 1), y=values)
    for same, style, colour in _kinds(points):
        axis.plot(same["x"], same["y"], color=colour, linestyle="none", markersize=6, **style)
    _mark_outliers(figure, points, outliers)
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
    known = facts[facts[_COLOUR].notna().all(axis=1)].reset_index(drop=True)
    if known.empty:
        return None
    figure, axis = empty_plot(height=4.4)
    traits = trait_values(known)
    points = known.assign(x=traits["darkness"], y=traits["red_share"])
    for same, style, _ in _kinds(points):
        colours = same[_COLOUR].to_numpy(dtype=np.float64) / 255
        edge: dict[str, Any] = {"edgecolors": "#333333", "linewidths": 0.8}
        axis.scatter(same["x"], same["y"], c=colours, s=70, **edge, **style)
    _mark_outliers(figure, points, outliers)
    axis.margins(0.12)
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.set_xlabel("optical density of the tissue (paler to darker)")
    axis.set_ylabel("share of red light absorbed\n(pinker to bluer)")
    return figure
