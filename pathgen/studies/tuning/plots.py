"""Plots of a search."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.webpage.plotting import COLOURS, GREY, empty_plot, legend_below


def plot_history(trials: pd.DataFrame) -> Figure:
    """Plot the objective of each trial and the best value so far.

    Args:
        trials: Table of the trials, see `results.trials_table`.

    Returns:
        The figure.
    """
    figure, axis = empty_plot()
    finished = trials[trials["state"] == "finished"]
    pruned = trials[(trials["state"] == "pruned") & trials["value"].notna()]
    axis.plot(finished["trial"], finished["value"], "o", color=COLOURS[0], label="finished")
    if len(pruned) > 0:
        axis.plot(pruned["trial"], pruned["value"], "x", color=GREY, label="pruned (last value)")
    axis.step(
        finished["trial"],
        finished["value"].cummax(),
        where="post",
        color=COLOURS[1],
        linestyle="--",
        label="best so far",
    )
    axis.set_xlabel("trial")
    axis.set_ylabel("accuracy on original validation patches")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure, ncols=3)
    return figure


def plot_importance(importance: Mapping[str, float]) -> Figure:
    """Plot the importance of each setting.

    Args:
        importance: Share of the variance by dotted path, descending; in [0, 1], sum 1.

    Returns:
        The figure.
    """
    figure, axis = empty_plot(height=1.4 + 0.4 * len(importance))
    names = [name.split(".", 2)[-1] for name in importance]
    axis.barh(range(len(names)), list(importance.values()), color=COLOURS[0])
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of the variance between trials (fANOVA)")
    return figure
