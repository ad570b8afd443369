"""Training curves of generators and classifiers: one colour per group, one line style per column."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pathgen.report.read_results import read_csv
from pathgen.run_matrix import PipelineSettings
from pathgen.webpage.pictures import Picture, svg_picture
from pathgen.webpage.plotting import COLOURS, LINES, empty_plot, legend_below

# Columns that serve as horizontal axis, and their words where the name does not do.
_TIMES = {"epoch": "epoch", "kimg": "thousand images seen by the discriminator (kimg)", "step": "step"}
_MAX_POINTS = 80
_WORDS = {"real": "original", "fake": "synthetic"}


def generator_curves(folder: Path) -> list[Picture]:
    """Plot the training histories of the generators.

    Args:
        folder: Folder of the GAN trainings' results; it may be absent.

    Raises:
        PathgenError: A history is damaged.
    """
    histories = _histories(folder)
    panels = {
        "loss": "Loss of generator and discriminator",
        "accuracy": "Accuracy of the discriminator",
        "spread": "Standard deviation of synthetic pixels, originals = 1",
    }
    return _panels(histories, {name: _without_replicate(name) for name in histories}, panels)


def _without_replicate(training: str) -> str:
    """Return generator and label of a training, which all replicates share: one colour for them."""
    generator, _, label = training.split("/")
    return f"{generator}-{label}"


def classifier_curves(folder: Path, pipeline: PipelineSettings) -> list[Picture]:
    """Plot the training histories of the classifiers, by regime.

    Args:
        folder: Folder of the trainings' results by run; it may be absent.
        pipeline: Section `pipeline`.

    Raises:
        PathgenError: A history is damaged, or a folder is not named as a run.
    """
    histories = _histories(folder)
    runs = {name: pipeline.run(name.replace("/", "-")) for name in histories}
    keys = {name: key for name, key in runs.items() if not key.is_control}
    several = len({key.classifier for key in keys.values()}) > 1
    groups = {
        name: f"{key.regime_name}, {key.classifier}" if several else key.regime_name
        for name, key in sorted(keys.items(), key=lambda named: named[1].order)
    }
    return _panels(
        {name: histories[name] for name in groups}, groups, {"loss": "Loss", "accuracy": "Accuracy"}
    )


def _histories(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the ``history.csv`` of every training below a folder, by the path of the training."""
    files = sorted(folder.rglob("history.csv"))
    tables = {file.parent.relative_to(folder).as_posix(): read_csv(file) for file in files}
    # More points than the plot can show would only make the page larger.
    return {
        name: table.iloc[np.unique(np.linspace(0, len(table) - 1, _MAX_POINTS).round().astype(int))]
        for name, table in tables.items()
        if table is not None and len(table)
    }


def _panels(
    histories: Mapping[str, pd.DataFrame], groups: Mapping[str, str], panels: Mapping[str, str]
) -> list[Picture]:
    """Plot one panel per word that occurs in the names of columns; `groups` names each training's group."""
    names = ", ".join(dict.fromkeys(groups.values()))
    figures = {title: _plot_histories(histories, groups, word) for word, title in panels.items()}
    return [
        svg_picture(figure, f"{title}, over the training of {names}", title)
        for title, figure in figures.items()
        if figure is not None
    ]


def _plot_histories(
    histories: Mapping[str, pd.DataFrame], groups: Mapping[str, str], word: str
) -> Figure | None:
    found = [
        column
        for history in histories.values()
        for column in history.columns
        if word in column and bool(history[column].notna().any())
    ]
    columns = list(dict.fromkeys(found))
    if not columns:
        return None
    figure, axis = empty_plot(height=4.2)
    names = list(dict.fromkeys(groups.values()))
    named: set[str] = set()
    for name, history in histories.items():
        group = names.index(groups[name])
        time = next(column for column in _TIMES if column in history.columns)
        for place, column in enumerate(columns):
            if column not in history.columns:
                continue
            label = groups[name] if len(columns) == 1 else f"{groups[name]}, {_words(column)}"
            # With one column the line style is free to separate the groups in print, too.
            line = LINES[(place if len(columns) > 1 else group) % len(LINES)]
            axis.plot(
                history[time],
                history[column],
                color=COLOURS[group % len(COLOURS)],
                linestyle=line,
                linewidth=1.6,
                alpha=0.85,
                label=None if label in named else label,
            )
            named.add(label)
        axis.set_xlabel(_TIMES[time])
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure, ncols=1 if len(named) < 3 else 2)
    return figure


def _words(column: str) -> str:
    return " ".join(_WORDS.get(word, word) for word in column.rsplit("/", 1)[-1].split("_"))
