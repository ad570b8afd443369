"""Common style of all plots."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Colours of Okabe and Ito, distinguishable with the common forms of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#595959"


def legend_below(figure: Figure, *entries: Sequence[Any], ncols: int = 1) -> None:
    """Add a legend below the axes.

    Args:
        figure: Figure of `empty_plot`.
        entries: Lines and their names; by default all lines with a label.
        ncols: Number of columns.
    """
    figure.legend(*entries, loc="outside lower center", ncols=ncols, fontsize="small", frameon=False)


def empty_plot(width: float = 5.4, height: float = 3.6) -> tuple[Figure, Axes]:
    """Return a figure, of a width and height in inches, and its one axis."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axis = figure.add_subplot()
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    return figure, axis
