"""Plot of the curves."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pathgen.metrics.classification import mean_ci
from pathgen.studies.scaling.curves import Curve
from pathgen.studies.scaling.power_law import PowerLaw
from pathgen.webpage.plotting import COLOURS, GREY, LINES, MARKERS, empty_plot

_MARGIN = 1.35


def plot_curves(curves: Sequence[Curve], laws: Sequence[PowerLaw | str], *, confidence: float) -> Figure:
    """Plot error against patches per class, with intervals, single seeds and fitted laws.

    Trainings that did not converge are black crosses.

    Args:
        curves: Curves.
        laws: Power law of each curve, or why there is none.
        confidence: Confidence level of the intervals.

    Returns:
        The figure; both axes are logarithmic.
    """
    figure, axis = empty_plot(7.2, 4.4)
    several = len({curve.classifier for curve in curves}) > 1
    for number, (curve, law) in enumerate(zip(curves, laws, strict=True)):
        _draw(axis, curve, law, number, confidence, several)
    guessing = curves[0].guessing
    axis.axhline(guessing, color=GREY, linewidth=0.9, linestyle=":")
    axis.annotate(
        "guessing", (1.0, guessing), xycoords=("axes fraction", "data"), xytext=(-2, -10),
        textcoords="offset points", ha="right", fontsize=8, color=GREY,
    )  # fmt: skip
    axis.set_xscale("log")
    axis.set_yscale("log")
    shares = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    least = 0.5 / curves[0].test_patches
    lowest = min(max(float(errors.min()), least) for curve in curves for errors in curve.errors.values())
    axis.set_ylim(lowest / _MARGIN, guessing * _MARGIN)
    kept = [share for share in shares if lowest / _MARGIN <= share <= guessing * _MARGIN]
    axis.set_yticks(kept, [f"{share:g}" for share in kept])
    axis.set_yticks([], minor=True)
    axis.set_xlabel("Training patches per class")
    axis.set_ylabel("Error on the original test patches")
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def _draw(
    axis: Axes, curve: Curve, law: PowerLaw | str, number: int, confidence: float, several: bool
) -> None:
    """Draw the curve of that number; its label names the classifier if there are several."""
    colour = COLOURS[number % len(COLOURS)]
    name = f"{curve.source}, {curve.classifier}" if several else curve.source
    least = 0.5 / curve.test_patches
    for size, errors in curve.errors.items():
        mean, low, high = mean_ci(list(errors), confidence)
        middle, foot = max(mean, least), max(min(errors.min(), low or math.inf), least)
        if low is not None and high is not None:
            axis.plot([size, size], [max(low, least), high], color=colour, linewidth=1.2)
        failed = curve.failed.get(size, np.zeros(len(errors), dtype=np.bool_))
        styles: list[tuple[NDArray[np.float64], dict[str, Any]]] = [
            (errors[~failed], {"marker": ".", "color": colour, "alpha": 0.35, "ms": 4}),
            (errors[failed], {"marker": "x", "color": "black", "zorder": 3, "ms": 6}),
        ]
        for own, style in styles:
            axis.plot(np.full(len(own), size), np.maximum(own, least), linestyle="none", **style)
        axis.plot(
            size, middle, MARKERS[number % len(MARKERS)], color=colour, ms=6,
            markerfacecolor="white" if size == curve.unlimited else colour,
            label=name if size == curve.sizes[0] else None,
        )  # fmt: skip
        if size == curve.unlimited:
            axis.annotate(
                "unlimited", (size, foot), xytext=(0, -3), textcoords="offset points", ha="center",
                va="top", fontsize=8, color=colour,
            )  # fmt: skip
    if isinstance(law, PowerLaw):
        grid = np.geomspace(law.sizes[0], law.sizes[-1], 100)
        drawn = np.sort(law.errors_drawn(grid), axis=0)
        cut = round((1 - confidence) / 2 * (len(drawn) - 1))
        axis.fill_between(
            grid, drawn[cut], drawn[len(drawn) - 1 - cut], color=colour, alpha=0.13, linewidth=0
        )
        line = LINES[number % len(LINES)]
        axis.plot(grid, law.error(grid), line, color=colour, linewidth=1.6)
