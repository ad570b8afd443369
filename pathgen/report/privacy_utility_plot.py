"""The picture of what synthetic sets cost against what they give away."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from pathgen.report.privacy_utility import Point
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, GREY, MARKERS, empty_plot

# As `pathgen.privacy.verdict` words it, whose import would load torch.
_PASSED = "no leakage found by these tests"
_REGIME_MARKERS = {"synthetic": "o", "mixed": "s"}
_REGIME_WORDS = {"synthetic": "synthetic alone", "mixed": "mixed with originals"}
_GUESS = 0.5
_SMALL: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": "small", "color": GREY}


def plot_tradeoff(points: Sequence[Point]) -> Figure:
    """Plot accuracy lost to the right and the strongest attack upwards, each with its interval.

    Args:
        points: At least one.

    Returns:
        The plot. Colour tells the generator and the classifier, the marker the regime; the marker of a set
        whose audit did not pass is hollow.
    """
    figure, axis = empty_plot(height=3.6 + 0.2 * len(points))
    axis.axvline(0, color=GREY, linewidth=1.2, linestyle=":")
    axis.axhline(_GUESS, color=GREY, linewidth=1.2, linestyle="--")
    several = len({point.classifier for point in points}) > 1
    sets = list(dict.fromkeys((point.generator, point.classifier) for point in points))
    markers = {}
    # The widest first: of bars that lie on each other the shorter one stays visible.
    for point in sorted(points, key=_width, reverse=True):
        lost, leak = point.lost, point.leak
        assert lost.mean is not None, "of points alone"
        colour = COLOURS[sets.index((point.generator, point.classifier)) % len(COLOURS)]
        drawn = axis.errorbar(
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
            markerfacecolor=colour if leak.verdict == _PASSED else "white",
            linestyle="none",
            zorder=3,
        )
        markers[_name(point, several)] = drawn.lines[0]
    axis.set_ylim(min(0.44, axis.get_ylim()[0]), max(0.66, axis.get_ylim()[1]))
    axis.margins(x=0.12)
    axis.annotate("a guess", (0.99, _GUESS), (0, -3), axis.get_yaxis_transform(), "offset points", **_SMALL)
    axis.annotate(
        "as with originals", (0, 0.99), (-3, 0), axis.get_xaxis_transform(), "offset points", **_SMALL
    )
    axis.set_xlabel("accuracy lost, percentage points")
    axis.set_ylabel("strongest attack, ROC-AUC")
    names = sorted(markers)
    figure.legend(
        [markers[name] for name in names],
        names,
        loc="outside lower center",
        ncols=1,
        fontsize="small",
        frameon=False,
    )
    return figure


def _width(point: Point) -> float:
    low, high = point.lost.low, point.lost.high
    return 0.0 if low is None or high is None else high - low


def _reach(at: float, low: float | None, high: float | None, scale: float) -> list[list[float]] | None:
    """Return how far a bar reaches to either side; an interval need not hold the value that it belongs to."""
    if low is None or high is None:
        return None
    return [[max(at - scale * low, 0.0)], [max(scale * high - at, 0.0)]]


def _name(point: Point, with_classifier: bool) -> str:
    classifier = f", {point.classifier}" if with_classifier else ""
    verdict = point.leak.verdict or "no verdict"
    told = "" if verdict == _PASSED else f" (audit: {verdict})"
    return f"{point.generator}, {_REGIME_WORDS.get(point.regime, point.regime)}{classifier}{told}"


def tradeoff_picture(points: Sequence[Point]) -> Picture:
    """Return the plot for the page, with its numbers in words."""
    said = "; ".join(
        f"{_name(point, True)}: {100 * (point.lost.mean or 0):.1f} points of accuracy lost, "
        f"strongest attack {point.leak.auc:.3f}"
        for point in points
    )
    caption = (
        "The nearer to the lower left corner, the better: to the right a classifier gets worse, upwards an "
        "attacker tells better which patches the generator had learnt from (0.5, dashed, is a guess; 1 is "
        "always right). Bars are intervals. Upwards stands the strongest of the attacks that the verdict "
        "rests on, which lies a little above 0.5 by chance alone. A hollow marker: the audit found a leak or "
        "refused to judge."
    )
    return svg_picture(plot_tradeoff(points), f"Accuracy lost against the strongest attack. {said}.", caption)
