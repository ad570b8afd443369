"""Plots of the page: accuracy of every training, calibration, and distance from the fidelity floor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pathgen.core.labels import LABELS
from pathgen.report.metric_table import MetricRow
from pathgen.report.result_table import Row
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, GREY, LINES, MARKERS, empty_plot, legend_below

_FAILED = "#b3261e"
# Vertical distance between dots that would cover each other, and the accuracy within which they would.
_SPREAD = 0.13
_NEAR = 0.006
_FAR = 20.0


@dataclass(frozen=True)
class Strip:
    """One line of a strip plot.

    Attributes:
        name: Name of the line.
        values: Accuracies, shares.
        failed: Accuracies of trainings that did not converge.
        mean: Mean of all of them; None without one.
    """

    name: str
    values: Sequence[float]
    failed: Sequence[float] = ()
    mean: float | None = None


def training_strips(rows: Sequence[Row], names: Mapping[str, str]) -> list[Strip]:
    """Return one line per row, with the accuracy of each training.

    Args:
        rows: Rows of the result table.
        names: Name of a regime to its name in the plot; other regimes keep theirs.
    """
    strips = []
    for row in rows:
        known = [(run, value) for run in row.runs if (value := run.metrics.get("accuracy")) is not None]
        values = [value for run, value in known if run.converged]
        failed = [value for run, value in known if not run.converged]
        strips.append(Strip(names.get(row.name, row.name), values, failed, row.metrics["accuracy"].mean))
    return strips


def draw_strips(axis: Axes, strips: Sequence[Strip], baseline: float) -> None:
    """Draw a dot per accuracy from 50 to 100 %, failed trainings as crosses, means as bars.

    Args:
        axis: Axis to draw on.
        strips: Lines, from the top.
        baseline: Accuracy on the mean colour alone.
    """
    lowest = min([0.5, *(value for strip in strips for value in (*strip.values, *strip.failed))])
    # One word above the other: the lines may be close.
    for at, word, height, line in ((0.5, "chance", -0.95, ":"), (baseline, "mean colour alone", -0.6, "--")):
        axis.axvline(100 * at, color=GREY, linestyle=line, linewidth=1.2)
        axis.text(100 * at + 0.5, height, word, va="center", fontsize="small", color=GREY)
    for place, strip in enumerate(strips):
        colour = COLOURS[place % len(COLOURS)]
        if strip.mean is not None:
            axis.vlines(100 * strip.mean, place - 0.33, place + 0.33, color=colour, linewidth=2.5)
        values = np.sort(np.asarray(strip.values, dtype=np.float64))
        style: dict[str, Any] = {"color": colour, "alpha": 0.75, "markersize": 6.5, "markeredgewidth": 0}
        axis.plot(100 * values, place + _offsets(values), "o", **style)
        axis.plot([100 * one for one in strip.failed], [place] * len(strip.failed), "X", color=_FAILED, ms=10)
    if any(strip.failed for strip in strips):
        axis.plot([], [], "X", color=_FAILED, ms=9, label="did not converge")
        axis.legend(loc="lower right", fontsize="small", frameon=False)
    words = [f"{one.name}\n{100 * one.mean:.1f}%" if one.mean is not None else one.name for one in strips]
    axis.set_yticks(range(len(strips)), words)
    axis.set(xlim=(min(49.0, 100 * lowest - 2), 100.5), ylim=(len(strips) - 0.45, -1.15))
    axis.set_xlabel("accuracy on the test patches, %")
    axis.grid(False, axis="y")


def _offsets(values: np.ndarray) -> np.ndarray:
    """Move ascending values that would cover each other alternately up and down."""
    places = np.zeros(len(values))
    run = 0
    for one in range(1, len(values)):
        run = run + 1 if values[one] - values[one - 1] < _NEAR else 0
        places[one] = _SPREAD * (0, 1, -1, 2, -2)[run % 5]
    return places


def strip_picture(strips: Sequence[Strip], baseline: float, caption: str) -> Picture:
    """Return a strip plot with its numbers as text alternative."""
    figure, axis = empty_plot(width=4.5, height=0.85 + 0.47 * max(len(strips), 2))
    draw_strips(axis, strips, baseline)
    lines = []
    for one in strips:
        dots = ", ".join(f"{100 * value:.1f}%" for value in one.values)
        crosses = "".join(f", {100 * value:.1f}% (did not converge)" for value in one.failed)
        lines.append(f"{one.name}: {dots}{crosses}")
    alt = f"{caption} {'; '.join(lines)}. Mean colour: {100 * baseline:.1f}%."
    return svg_picture(figure, alt, caption)


def calibration_picture(rows: Sequence[Row]) -> list[Picture]:
    """Plot one reliability curve per row, pooled over its runs; none where no run has one."""
    curves = [(row, curve) for row in rows if (curve := pooled_reliability(row)) is not None]
    if not curves:
        return []
    figure, axis = empty_plot(width=4.5, height=3.6)
    axis.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label="calibrated")
    for place, (row, curve) in enumerate(curves):
        axis.plot(
            curve["mean_score"],
            curve["tumor_share"],
            label=f"{row.words}, {row.classifier}{' ✗' if row.failed else ''}",
            color=COLOURS[place % len(COLOURS)],
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
        )
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axis.set(xlabel="predicted probability of tumour", ylabel="observed share of tumour")
    legend_below(figure)
    caption = "Reliability, pooled over the trainings. Below the diagonal, tumour is predicted too often."
    names = ", ".join(f"{row.words}, {row.classifier}" for row, _ in curves)
    return [svg_picture(figure, f"Reliability curves of {names}", caption)]


def pooled_reliability(row: Row) -> pd.DataFrame | None:
    """Pool the reliability tables of a row's runs by bin, weighted by patches; None without one."""
    tables = [run.reliability for run in row.runs if run.reliability is not None]
    if not tables:
        return None
    every = pd.concat(tables, ignore_index=True)
    sums = every[["mean_score", "tumor_share"]].mul(every["n"], axis=0).assign(n=every["n"], low=every["low"])
    pooled = sums.groupby("low", sort=True).sum()
    return pooled[["mean_score", "tumor_share"]].div(pooled["n"], axis=0)


def fidelity_picture(rows: Sequence[MetricRow], name: str) -> list[Picture]:
    """Plot how far each metric is from its floor, in half-widths of the floor's interval.

    Args:
        rows: Metrics of one generator.
        name: Its name.

    Returns:
        One plot; none where no metric has a floor with an interval and a direction.
    """
    points: dict[str, list[tuple[str, float]]] = {}
    for row in rows:
        _, label, metric = row.key.split("/", 2)
        if (distance := row.distance) is not None:
            points.setdefault(metric.replace("_", " "), []).append((label, distance))
    if not points:
        return []
    figure, axis = empty_plot(width=6.6, height=1.2 + 0.24 * len(points))
    axis.axvspan(-1, 1, color="#d9ead3")
    for place, label in enumerate(("all", *LABELS)):
        own = [
            (distance, at)
            for at, of_metric in enumerate(points.values())
            for one, distance in of_metric
            if one == label
        ]
        if own:
            word = {"all": "both classes", **LABEL_WORDS}[label]
            style: dict[str, Any] = {"color": COLOURS[place], "marker": MARKERS[place], "linestyle": "none"}
            axis.plot(*zip(*own, strict=True), label=word, alpha=0.85, **style)
    axis.set_xscale("symlog", linthresh=1)
    axis.set_xlim(left=min(-1.3, axis.get_xlim()[0]), right=max(_FAR, axis.get_xlim()[1]))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_yticks(range(len(points)), list(points))
    axis.set_ylim(len(points) - 0.5, -0.5)
    axis.set_xlabel("half-widths of the floor's interval; right is worse")
    legend_below(figure, ncols=3)
    values = "; ".join(f"{metric}, {one}: {at:.1f}" for metric, own in points.items() for one, at in own)
    caption = "Distance from the floor. In the green band synthetic patches are as close as original ones."
    return [svg_picture(figure, f"Fidelity of {name} relative to the floor. {values}.", caption)]
