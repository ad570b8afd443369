"""Plots of a study."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.webpage.plotting import COLOURS, GREY, empty_plot


def plot_history(trials: pd.DataFrame) -> Figure:
    """Plot the score of each trial and the best so far.

    Args:
        trials: See `results.trials_frame`.

    Returns:
        The plot.
    """
    figure, axis = empty_plot()
    finished = trials[trials["state"] == "finished"]
    pruned = trials[(trials["state"] == "pruned") & trials["value"].notna()]
    axis.plot(finished["trial"], finished["value"], "o", color=COLOURS[0], label="finished")
    if len(pruned) > 0:
        axis.plot(pruned["trial"], pruned["value"], "x", color=GREY, label="given up, where it stood")
    axis.step(
        finished["trial"],
        finished["value"].cummax(),
        where="post",
        color=COLOURS[1],
        linestyle="--",
        label="best so far",
    )
    axis.set_xlabel("trial")
    axis.set_ylabel("accuracy, original validation patches")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    return figure


def plot_importance(importance: Mapping[str, float]) -> Figure:
    """Plot each field's share in the spread of the scores.

    Args:
        importance: Field to its share, descending; in [0, 1], sum 1.

    Returns:
        The plot.
    """
    figure, axis = empty_plot(height=1.4 + 0.4 * len(importance))
    names = [name.split(".", 2)[-1] for name in importance]
    axis.barh(range(len(names)), list(importance.values()), color=COLOURS[0])
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("share in the spread of the scores (fANOVA)")
    return figure
