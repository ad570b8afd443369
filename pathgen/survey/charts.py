"""Plots over all slides of a cohort, with their names."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import SPLITS
from pathgen.survey.outliers import trait_values
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.plotting import COLOURS, GREY, empty_plot, legend_below

# More names would overlap, on an axis or in a plot; the table has them all.
_NAMES = 60
_NAMED_POINTS = 24
# Height of a plot of more slides than names, in inches.
_MANY_HEIGHT = 4.4
# Height of a name, and half the width of a point, as shares of the axis.
_STEP, _GAP = 0.042, 0.014
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
    """Circle the outliers; add the legend."""
    (axis,) = figure.axes
    outlying = points[points["slide"].isin(outliers)]
    if len(outlying):
        axis.plot(outlying["x"], outlying["y"], "o", ms=14, mfc="none", mec="black", label="outlier")
    legend_below(figure, ncols=4)


def _to_name(points: pd.DataFrame, outliers: Collection[str]) -> set[str]:
    """Return the slides whose points have room for a name: all, or of many the outliers and the outermost."""
    if len(points) <= _NAMED_POINTS:
        return {*points["slide"]}
    places = points[["x", "y"]]
    away = ((places - places.median()).abs() / places.std()).max(axis=1)
    outermost = points.loc[away.sort_values(ascending=False).index, "slide"].head(_NAMED_POINTS // 2)
    return {*outermost, *points.loc[points["slide"].isin(outliers), "slide"].head(_NAMED_POINTS // 2)}


def _name_points(axis: Axes, points: pd.DataFrame, names: Collection[str]) -> None:
    """Write names next to points, moved up or down where they would cover a point or another name."""
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    # Places on the axis, in shares of its width and height; the width of a name is an estimate.
    placed = points.assign(
        across=(points["x"] - left) / (right - left), up=(points["y"] - bottom) / (top - bottom)
    )
    taken = [(across - _GAP, across + _GAP, up) for across, up in placed[["across", "up"]].to_numpy()]
    placed = placed[placed["slide"].isin(names)].sort_values("up")
    for slide, across, up in placed[["slide", "across", "up"]].itertuples(index=False):
        width, side = 0.014 * len(slide), -1 if across > 0.5 else 1
        start = across + 1.2 * _GAP if side > 0 else across - 1.2 * _GAP - width
        step = next(
            step
            for step in (0, 1, -1, 2, -2, *range(3, len(points) + 3))
            if all(
                abs(up + step * _STEP - other) >= _STEP or start > end or start + width < begin
                for begin, end, other in taken
            )
        )
        taken.append((start, start + width, up + step * _STEP))
        axis.annotate(
            slide,
            (across, up),
            xycoords="axes fraction",
            xytext=(across + side * 1.2 * _GAP, up + step * _STEP),
            ha="left" if side > 0 else "right",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5} if step else None,
        )


def plot_sampled(facts: pd.DataFrame) -> Figure | None:
    """Plot the sampled patches as bars, one per slide and split, or one per split where slides are many.

    Args:
        facts: Table of slides, see `pathgen.survey.slide_table.Cohort`.

    Returns:
        Plot, or None when no patch was sampled. Patches of the audit and the controls are grey.
    """
    used = facts[facts["drawn"] > 0]
    if used.empty:
        return None
    parts = {LABEL_WORDS[label]: sum(used[f"drawn_{split}_{label}"] for split in SPLITS) for label in LABELS}
    counts = pd.DataFrame(parts).assign(split=used["split"], slide=used["slide"])
    counts["audit and controls only"] = used["drawn"] - counts[list(parts)].sum(axis=1)
    if len(counts) > _NAMES:
        slides = counts["split"].value_counts()
        counts = counts.drop(columns="slide").groupby("split", sort=False).sum().reset_index()
        counts["slide"] = [f"{slides[split]} slides" for split in counts["split"]]
    figure, axis = empty_plot(width=7.2, height=1.3 + 0.18 * len(counts))
    left = np.zeros(len(counts))
    places = np.arange(len(counts)) + 0.6 * (counts["split"] != counts["split"].shift()).cumsum().to_numpy()
    colours = (COLOURS[0], COLOURS[1], "#c4c9cf")
    for name, colour, hatch in zip((*parts, "audit and controls only"), colours, ("", "//", ""), strict=True):
        width = counts[name].to_numpy(dtype=np.float64)
        axis.barh(places, width, left=left, color=colour, hatch=hatch, edgecolor="white", label=name)
        left = left + width
    names = [f"{slide}, {split}" for slide, split in counts[["slide", "split"]].itertuples(index=False)]
    axis.set_yticks(places, names, fontsize="small")
    axis.set_ylim(places[-1] + 0.7, places[0] - 0.7)
    axis.grid(False, axis="y")
    axis.set_xlabel("sampled patches")
    legend_below(figure, ncols=3)
    return figure


def plot_ranked(facts: pd.DataFrame, column: str, words: str, outliers: Collection[str]) -> Figure | None:
    """Plot one number per slide, in ascending order from the top.

    Args:
        facts: Table of slides with ``slide``, ``label`` and the column.
        column: Column to plot.
        words: Label of the horizontal axis.
        outliers: Slides to mark.

    Returns:
        Plot, or None when no slide has the number. The slides are named on the vertical axis; where they are
        many, the outliers, the first and the last are named next to their points. The horizontal axis is
        logarithmic where values differ widely.
    """
    known = facts[facts[column].notna()].sort_values([column, "slide"], ignore_index=True)
    if known.empty:
        return None
    many = len(known) > _NAMES
    figure, axis = empty_plot(height=_MANY_HEIGHT if many else 1.4 + 0.16 * len(known))
    values = known[column].to_numpy(dtype=np.float64)
    points = known.assign(x=values, y=np.arange(len(values)))
    for same, style, colour in _kinds(points):
        axis.plot(same["x"], same["y"], color=colour, linestyle="none", markersize=4 if many else 6, **style)
    _mark_outliers(figure, points, outliers)
    if values.min() > 0 and values.max() / values.min() > _WIDE:
        axis.set_xscale("log")
    else:
        axis.set_xlim(left=0.0, right=float(values.max()) * 1.12 or 1.0)
    margin = 0.08 * len(values) if many else 0.6
    axis.set_ylim(len(values) - 1 + margin, -margin)
    axis.set_xlabel(words)
    if many:
        axis.set_yticks([])
        axis.set_ylabel(f"{len(points)} slides, in ascending order")
        _name_points(axis, points, {*points["slide"].iloc[[0, -1]], *outliers})
    else:
        axis.set_yticks(points["y"].to_list(), points["slide"].to_list(), fontsize="small")
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
    figure, axis = empty_plot(width=7.2, height=4.4)
    traits = trait_values(known)
    points = known.assign(x=traits["darkness"], y=traits["red_share"])
    for same, style, _ in _kinds(points):
        colours = same[_COLOUR].to_numpy(dtype=np.float64) / 255
        edge: dict[str, Any] = {"edgecolors": "#333333", "linewidths": 0.8}
        axis.scatter(same["x"], same["y"], c=colours, s=70, **edge, **style)
    _mark_outliers(figure, points, outliers)
    axis.margins(0.12)
    axis.autoscale_view()
    _name_points(axis, points, _to_name(points, outliers))
    axis.xaxis.set_major_locator(MaxNLocator(6))
    axis.set_xlabel("optical density of the tissue (paler to darker)")
    axis.set_ylabel("share of red light absorbed\n(pinker to bluer)")
    return figure
