"""Common style of all plots."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Colours of Okabe and Ito, distinguishable with the common forms of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#595959"


def empty_plot(width: float = 5.4, height: float = 3.6) -> tuple[Figure, Axes]:
    """Return a figure with one axis.

    Args:
        width: Inches.
        height: Inches.

    Returns:
        The figure and its axis.
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axis = figure.add_subplot()
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    return figure, axis
