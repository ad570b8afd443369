"""The picture of the sweep: utility and leakage against epsilon, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pathgen.webpage.plotting import COLOURS, GREY, LINES, MARKERS

_WORDS = {
    "accuracy": "accuracy",
    "roc_auc": "area under the ROC curve",
    "attack_auc": "strongest attack on the patches",
    "discriminator_auc": "discriminator, never given out",
}


def plot_sweep(
    table: pd.DataFrame, points: Sequence[Mapping[str, Any]], *, guessing: float, by_chance: float
) -> Figure:
    """Draw accuracy and attacks against epsilon, with intervals and single seeds.

    Args:
        table: A row per epsilon, by falling privacy.
        points: What the points found.
        guessing: Accuracy of always saying the more frequent class.
        by_chance: Area that the strongest attack hardly exceeds where nothing leaks.

    Returns:
        The plot. Epsilons stand side by side at equal distances: no axis could hold infinity.
    """
    figure = Figure(figsize=(9.0, 3.8), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2)
    for axis, names, level, what in (
        (left, ["accuracy", "roc_auc"], guessing, "guessing"),
        (right, ["attack_auc", "discriminator_auc"], by_chance, "by chance at most"),
    ):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, axis="y", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
        for number, name in enumerate(names):
            _draw(axis, table, points, name, number)
        axis.axhline(level, color=GREY, linewidth=0.9, linestyle=":")
        axis.annotate(
            what, (1.0, level), xycoords=("axes fraction", "data"), xytext=(0, -10),
            textcoords="offset points", ha="right", fontsize=8, color=GREY,
        )  # fmt: skip
        words = [_label(epsilon) for epsilon in table["epsilon"]]
        axis.set_xticks(range(len(words)), words)
        axis.set_xlim(-0.5, len(words) - 0.5)
        axis.set_xlabel("epsilon of each class (less is more private)")
        axis.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    left.set_ylabel("Classifier on original test patches")
    right.set_ylabel("Area under the ROC curve")
    return figure


def _label(epsilon: object) -> str:
    return "no noise" if epsilon == "unlimited" else f"{float(str(epsilon)):g}"


def _draw(
    axis: Axes, table: pd.DataFrame, points: Sequence[Mapping[str, Any]], name: str, number: int
) -> None:
    colour, side = COLOURS[number], 0.12 * number
    places = {epsilon: place + side for place, epsilon in enumerate(table["epsilon"])}
    axis.plot(
        list(places.values()), table[name], LINES[number], marker=MARKERS[number], color=colour,
        label=_WORDS[name], ms=6, linewidth=1.4,
    )  # fmt: skip
    # Shares: an interval of three may reach beyond what there is.
    ends = table[f"{name}_low"].clip(0.0, 1.0), table[f"{name}_high"].clip(0.0, 1.0)
    axis.vlines(list(places.values()), *ends, color=colour, linewidth=1.2)
    axis.plot(
        [places[point["epsilon"]] for point in points],
        [point[name] for point in points],
        ".",
        color=colour,
        alpha=0.35,
        ms=5,
    )
