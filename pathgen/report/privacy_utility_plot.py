"""Plot of the accuracy that synthetic sets cost against the strongest attack on them."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from pathgen.report.privacy_utility import Point
from pathgen.results.audit import PASSED
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, GREY, MARKERS, empty_plot, legend_below

_REGIME_MARKERS = {"synthetic": "o", "mixed": "s"}
_REGIME_WORDS = {"synthetic": "synthetic only", "mixed": "original and synthetic"}
_CHANCE = 0.5
_SMALL: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": "small", "color": GREY}


def plot_tradeoff(points: Sequence[Point]) -> Figure:
    """Plot the loss in accuracy horizontally and the strongest attack vertically, with their intervals.

    Args:
        points: At least one point.

    Returns:
        Plot. One colour per generator and classifier, one marker per regime; the marker of a set whose audit
        did not pass is hollow.
    """
    figure, axis = empty_plot(height=3.6 + 0.2 * len(points))
    axis.axvline(0, color=GREY, linewidth=1.2, linestyle=":")
    axis.axhline(_CHANCE, color=GREY, linewidth=1.2, linestyle="--")
    several = len({point.classifier for point in points}) > 1
    sets = list(dict.fromkeys((point.generator, point.classifier) for point in points))
    markers = {}
    # Widest first, so that shorter bars stay visible.
    for point in sorted(points, key=_width, reverse=True):
        lost, leak = point.lost, point.leak
        assert lost.mean is not None, "points have a loss"
        colour = COLOURS[sets.index((point.generator, point.classifier)) % len(COLOURS)]
        bars = axis.errorbar(
            [100 * lost.mean],
            [leak.auc],
            xerr=_reach(100 * lost.mean, lost.low, lost.high, 100),
            yerr=_reach(leak.auc, leak.low, leak.high, 1),
            color=colour,
            linewidth=1.4,
            capsize=4,
            marker=_REGIME_MARKERS.get(point.regime, MARKERS[-1]),
            markersize=9,
            markeredgewidth=1.8,
            markerfacecolor=colour if leak.verdict == PASSED else "white",
            linestyle="none",
            zorder=3,
        )
        markers[_name(point, several)] = bars.lines[0]
    axis.set_ylim(min(0.44, axis.get_ylim()[0]), max(0.66, axis.get_ylim()[1]))
    axis.margins(x=0.12)
    axis.annotate(
        "chance level", (0.99, _CHANCE), (0, -3), axis.get_yaxis_transform(), "offset points", **_SMALL
    )
    axis.annotate("no loss", (0, 0.99), (-3, 0), axis.get_xaxis_transform(), "offset points", **_SMALL)
    axis.set_xlabel("loss in accuracy, percentage points")
    axis.set_ylabel("strongest attack, ROC-AUC")
    names = sorted(markers)
    legend_below(figure, [markers[name] for name in names], names)
    return figure


def _width(point: Point) -> float:
    low, high = point.lost.low, point.lost.high
    return 0.0 if low is None or high is None else high - low


def _reach(at: float, low: float | None, high: float | None, scale: float) -> list[list[float]] | None:
    """Return the lengths of an error bar; an interval need not contain its estimate."""
    if low is None or high is None:
        return None
    return [[max(at - scale * low, 0.0)], [max(scale * high - at, 0.0)]]


def _name(point: Point, with_classifier: bool) -> str:
    classifier = f", {point.classifier}" if with_classifier else ""
    epsilon = "" if point.epsilon is None else f" (ε = {point.epsilon:.3g})"
    verdict = "" if point.leak.verdict == PASSED else f" (audit: {point.leak.verdict})"
    return f"{point.generator}{epsilon}, {_REGIME_WORDS.get(point.regime, point.regime)}{classifier}{verdict}"


def tradeoff_picture(points: Sequence[Point]) -> Picture:
    """Return the plot for the page, with its numbers as text alternative."""
    values = "; ".join(
        f"{_name(point, True)}: {100 * (point.lost.mean or 0):.1f} percentage points lost, "
        f"strongest attack {point.leak.auc:.3f}"
        for point in points
    )
    caption = (
        "Utility-privacy trade-off; the lower left corner is best. Horizontal axis: loss in accuracy. "
        "Vertical axis: strongest attack used for the verdict (slightly above 0.5 by chance; 1 identifies "
        "every training patch). Bars are confidence intervals. Hollow markers: the audit found leakage or "
        "refused a verdict."
    )
    alt = f"Loss in accuracy against the strongest attack. {values}."
    return svg_picture(plot_tradeoff(points), alt, caption)
