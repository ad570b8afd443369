"""Accuracy that each synthetic set costs a classifier, against what the set reveals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pathgen.report.headline import Results, costs
from pathgen.report.privacy_section import attacks_of
from pathgen.results.audit_record import PASSED, Audit, Verdict, worst
from pathgen.results.training_record import GeneratorMeta, largest_epsilon
from pathgen.webpage.formatting import Estimate
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, GREY, MARKERS, empty_plot, legend_below

_COLUMNS = (
    *("generator", "regime", "classifier", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high"),
    *("attack_auc", "attack_auc_low", "attack_auc_high", "attack", "label", "verdict", "epsilon"),
)
_REGIME_MARKERS = {"synthetic": "o", "mixed": "s"}
_REGIME_WORDS = {"synthetic": "synthetic only", "mixed": "original and synthetic"}
_CHANCE = 0.5
_SMALL: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": "small", "color": GREY}


@dataclass(frozen=True)
class Point:
    """One regime of one generator.

    Attributes:
        generator: Name of the generator.
        regime: ``mixed`` or ``synthetic``.
        classifier: Name of the classifier.
        lost: Loss in accuracy against the original regime, with a mean; positive is a loss.
        attack: Name of the strongest attack that the verdict rests on, e.g. ``ganleaks_l2_auc``.
        label: Class on which it is strongest.
        auc: Its ROC-AUC: 0.5 is chance level, 1 identifies every training patch.
        auc_low: Lower end of its interval, which does not allow for the choice of the strongest.
        auc_high: Upper end.
        verdict: Verdict on the whole set.
        epsilon: Privacy loss of the generator, the largest over its classes; None without a guarantee.
    """

    generator: str
    regime: str
    classifier: str
    lost: Estimate
    attack: str
    label: str
    auc: float
    auc_low: float | None
    auc_high: float | None
    verdict: Verdict
    epsilon: float | None = None


def tradeoff(
    results: Results,
    audits: Mapping[str, Mapping[int, Audit]],
    generators: Mapping[str, Mapping[str, GeneratorMeta]],
) -> list[Point]:
    """Relate the accuracy that each set costs to the strongest attack on it.

    Args:
        results: Evaluations and their comparison.
        audits: Generator to the audits of its synthetic sets, by replicate.
        generators: Generator to model.json by label.

    Returns:
        One point per audited generator, regime and classifier, in the order of the rows. The attack
        is one on the replicate with the worst audit.
    """
    points = []
    for cost in costs(results.rows, results.comparison):
        row, name = cost.row, cost.row.generator
        if name is None or name not in audits or cost.loss.mean is None:
            continue
        audit = audits[name][worst(audits[name])]
        # The strongest attack over all classes; that of many is above 0.5 by chance.
        strongest = max(_attacks(audit), default=None)
        if strongest is None:
            continue
        auc, label, attack = strongest
        test = audit.labels[label].tests[attack]
        points.append(
            Point(
                generator=name,
                regime=row.regime,
                classifier=row.classifier,
                lost=cost.loss,
                attack=attack,
                label=label,
                auc=auc,
                auc_low=test.low,
                auc_high=test.high,
                verdict=audit.verdict,
                epsilon=largest_epsilon(generators.get(name, {}).values()),
            )
        )
    return points


def _attacks(audit: Audit) -> list[tuple[float, str, str]]:
    """Return ROC-AUC, label and name of all attacks that the verdict rests on."""
    return [
        (test.value, label, name)
        for label, of_class in audit.labels.items()
        for name, test in attacks_of(of_class, "_auc").items()
        if test.value is not None
    ]


def point_metrics(points: Sequence[Point]) -> dict[str, float]:
    """Return the points as metrics, keys as in docs/metrics.md."""
    values: dict[str, float | None] = {}
    for point in points:
        lost = point.lost
        key = f"tradeoff/{point.regime}-{point.generator}-{point.classifier}/accuracy_lost"
        values |= {key: lost.mean, f"{key}/low": lost.low, f"{key}/high": lost.high}
        key = f"tradeoff/{point.generator}/attack_auc"
        values |= {key: point.auc, f"{key}/low": point.auc_low, f"{key}/high": point.auc_high}
        values[f"tradeoff/{point.generator}/epsilon"] = point.epsilon
    return {key: value for key, value in values.items() if value is not None}


def point_table(points: Sequence[Point]) -> pd.DataFrame:
    """List the points, for ``dvc plots``; cells without a value are empty."""
    lines = [
        (
            *(point.generator, point.regime, point.classifier),
            *(point.lost.mean, point.lost.low, point.lost.high),
            *(point.auc, point.auc_low, point.auc_high),
            *(point.attack, point.label, point.verdict, point.epsilon),
        )
        for point in points
    ]
    return pd.DataFrame(lines, columns=list(_COLUMNS))


def plot_tradeoff(points: Sequence[Point]) -> Figure:
    """Plot the loss in accuracy horizontally and the strongest attack vertically, with their intervals.

    Args:
        points: At least one point.

    Returns:
        Plot. One colour per generator and classifier, one marker per regime; a hollow marker means that the
        audit of the set did not pass.
    """
    figure, axis = empty_plot(height=3.6 + 0.2 * len(points))
    axis.axvline(0, color=GREY, linewidth=1.2, linestyle=":")
    axis.axhline(_CHANCE, color=GREY, linewidth=1.2, linestyle="--")
    several = len({point.classifier for point in points}) > 1
    sets = list(dict.fromkeys((point.generator, point.classifier) for point in points))
    markers = {}
    # Widest first, so that shorter bars stay visible.
    for point in sorted(points, key=_width, reverse=True):
        lost = point.lost
        assert lost.mean is not None, "points have a loss"
        colour = COLOURS[sets.index((point.generator, point.classifier)) % len(COLOURS)]
        bars = axis.errorbar(
            [100 * lost.mean],
            [point.auc],
            xerr=_reach(100 * lost.mean, lost.low, lost.high, 100),
            yerr=_reach(point.auc, point.auc_low, point.auc_high, 1),
            color=colour,
            linewidth=1.4,
            capsize=4,
            marker=_REGIME_MARKERS.get(point.regime, MARKERS[-1]),
            markersize=9,
            markeredgewidth=1.8,
            markerfacecolor=colour if point.verdict == PASSED else "white",
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
    verdict = "" if point.verdict == PASSED else f" (audit: {point.verdict})"
    return f"{point.generator}{epsilon}, {_REGIME_WORDS.get(point.regime, point.regime)}{classifier}{verdict}"


def tradeoff_picture(points: Sequence[Point]) -> Picture:
    """Return the plot for the page, with its numbers as text alternative."""
    values = "; ".join(
        f"{_name(point, True)}: {100 * (point.lost.mean or 0):.1f} percentage points lost, "
        f"strongest attack {point.auc:.3f}"
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
