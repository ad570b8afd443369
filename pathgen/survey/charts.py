"""Plots over all slides of a cohort, with the names of outliers."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pathgen.survey.outliers import darkness, share_of_light
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.plotting import COLOURS, GREY, empty_plot

# More names would overlap; the table has them all.
_NAMES = 12
# Ratio of the largest to the smallest value above which the axis is logarithmic.
_WIDE = 30.0
_KINDS: Sequence[tuple[str | None, str, str]] = (
    ("normal", "o", COLOURS[0]),
    ("tumor", "^", COLOURS[1]),
    (None, "s", GREY),
)


def _of_kind(facts: pd.DataFrame, label: str | None) -> NDArray[np.bool_]:
    same = facts["label"].isna() if label is None else facts["label"] == label
    return same.to_numpy(dtype=bool)


def _name(
    axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64], slides: Sequence[str], named: Collection[str]
) -> None:
    """Write the names of some slides next to their points, towards the centre of the plot."""
    middle = (float(x.min()) + float(x.max())) / 2
    here = [place for place, slide in enumerate(slides) if slide in named][:_NAMES]
    for place in here:
        left = x[place] > middle
        axis.annotate(
            slides[place],
            (float(x[place]), float(y[place])),
            xytext=(-8 if left else 8, 4),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize="small",
        )


def _mark(axis: Axes, x: NDArray[np.float64], y: NDArray[np.float64], outlying: NDArray[np.bool_]) -> None:
    if outlying.any():
        axis.plot(
            x[outlying],
            y[outlying],
            "o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor="black",
            label="outlier",
        )


def plot_ranked(facts: pd.DataFrame, column: str, words: str, named: Collection[str]) -> Figure | None:
    """Plot one number per slide, in ascending order.

    Args:
        facts: Table of slides with ``slide``, ``label`` and the column.
        column: Column to plot.
        words: Label of the vertical axis.
        named: Slides to mark as outliers.

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
    for label, marker, colour in _KINDS:
        of_kind = _of_kind(known, label)
        if of_kind.any():
            words_of_kind = "without a label" if label is None else LABEL_WORDS[label]
            axis.plot(rank[of_kind], values[of_kind], marker, color=colour, markersize=6, label=words_of_kind)
    slides = [str(slide) for slide in known["slide"]]
    _mark(axis, rank, values, np.array([slide in named for slide in slides]))
    _name(axis, rank, values, slides, named)
    if values.min() > 0 and values.max() / values.min() > _WIDE:
        axis.set_yscale("log")
    else:
        axis.set_ylim(bottom=0.0, top=float(values.max()) * 1.12 or 1.0)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("slides, in ascending order")
    axis.set_ylabel(words)
    figure.legend(loc="outside lower center", ncols=4, fontsize="small", frameon=False)
    return figure


def plot_stain(facts: pd.DataFrame, named: Collection[str]) -> Figure | None:
    """Plot darkness and hue of the tissue of each slide, each point in the tissue's mean colour.

    Args:
        facts: Table of slides with ``slide``, ``label``, ``mean_r``, ``mean_g`` and ``mean_b``.
        named: Slides to mark as outliers.

    Returns:
        Plot, or None when no slide has a colour.
    """
    known = facts[facts[["mean_r", "mean_g", "mean_b"]].notna().all(axis=1)].reset_index(drop=True)
    if known.empty:
        return None
    figure, axis = empty_plot(height=4.4)
    x, y = darkness(known), share_of_light(known, 0)
    colours = known[["mean_r", "mean_g", "mean_b"]].to_numpy(dtype=np.float64) / 255
    for label, marker, _ in _KINDS:
        of_kind = _of_kind(known, label)
        if of_kind.any():
            axis.scatter(
                x[of_kind],
                y[of_kind],
                c=colours[of_kind],
                marker=marker,
                s=70,
                edgecolors="#333333",
                linewidths=0.8,
                label="without a label" if label is None else LABEL_WORDS[label],
            )
    slides = [str(slide) for slide in known["slide"]]
    _mark(axis, x, y, np.array([slide in named for slide in slides]))
    _name(axis, x, y, slides, named)
    axis.margins(0.12)
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.set_xlabel("optical density of the tissue (paler to darker)")
    axis.set_ylabel("share of red light absorbed\n(pinker to bluer)")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small", frameon=False)
    return figure
