"""Pictures of the page, made from patch sets, histories and picture files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.report import plots
from pathgen.report.load import read_histories, run_key, run_order
from pathgen.report.result_table import Row
from pathgen.results.comparison import Comparison
from pathgen.run_matrix import Replicate
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.formatting import number, signed
from pathgen.webpage.pictures import Picture, read_picture, read_svg, sample_grid, svg_picture

_OVERLAY_PX = 480
_GALLERY_PX = 2000
# Small patches are shown enlarged, so that nuclei can be seen.
_GRID_PATCH_PX = 56
# Beginning of a picture's file name to its title and explanation.
_PRIVACY_PICTURES = {
    "correlation": (
        "Correlation of synthetic with original patches",
        "Without leakage both outlines coincide; copies would appear at 1 in the solid outline.",
    ),
    "gallery": (
        "Closest pairs",
        "Each row: a synthetic patch, the nearest training patch, and the nearest patch that the generator "
        "has not seen. A copy would equal the patch in the middle.",
    ),
}


@dataclass(frozen=True)
class FigureGroup:
    """Pictures under one heading.

    Attributes:
        heading: Name of the class, or of what was trained.
        pictures: The pictures.
    """

    heading: str
    pictures: Sequence[Picture]


def result_plots(rows: Sequence[Row], baseline: float | None) -> list[Picture]:
    """Plot the accuracies, and the ROC curves where the runs have them.

    Args:
        rows: Rows of the result table.
        baseline: Accuracy on the mean colour alone; None when it was not run.

    Returns:
        Up to two plots.
    """
    shown = []
    if rows:
        means = "; ".join(
            f"{row.words}, {row.classifier}: {number(row.metrics['accuracy'].mean)}" for row in rows
        )
        figure = plots.plot_accuracy(rows, baseline)
        shown.append(svg_picture(figure, f"Accuracy by regime. {means}.", "Accuracy by regime."))
    curved = [row for row in rows if any(run.roc is not None for run in row.runs)]
    if curved:
        areas = "; ".join(f"{row.words}: area {number(row.metrics['roc_auc'].mean)}" for row in curved)
        caption = "ROC curves, one line per run. Curves closer to the upper left corner are better."
        shown.append(svg_picture(plots.plot_roc(curved), f"ROC curves. {areas}.", caption))
    return shown


def comparison_plot(comparison: Comparison | None) -> list[Picture]:
    """Plot the differences in accuracy between regimes with their intervals; none without a comparison."""
    pairs = () if comparison is None else comparison.differences
    pairs = tuple(pair for pair in pairs if "accuracy" in pair.metrics)
    if not pairs:
        return []
    values = "; ".join(
        f"{pair.regime} minus {pair.against}, {pair.classifier}: {signed(difference)}"
        for pair in pairs
        for difference in (pair.metrics["accuracy"].difference,)
    )
    caption = "Differences in accuracy between regimes; left of 0 the first regime is worse."
    return [svg_picture(plots.plot_differences(pairs), f"Differences in accuracy. {values}.", caption)]


def reliability_plot(rows: Sequence[Row]) -> list[Picture]:
    """Plot the reliability curves of the runs that have one."""
    curved = [row for row in rows if any(run.reliability is not None for run in row.runs)]
    if not curved:
        return []
    names = ", ".join(f"{row.words}, {row.classifier}" for row in curved)
    caption = "Reliability, one line per run. Below the diagonal the classifier is overconfident of tumour."
    return [svg_picture(plots.plot_reliability(curved), f"Reliability curves of {names}", caption)]


def confusion_plots(rows: Sequence[Row]) -> list[Picture]:
    """Plot the confusion matrix of every row."""
    return [
        svg_picture(
            plots.plot_confusion(row.confusion),
            f"Confusion matrix of {row.classifier} trained on {row.words}; the table below has the numbers",
            f"{row.words}, {row.classifier}",
        )
        for row in rows
    ]


def sample_grids(
    root: Path, generators: Sequence[str], count: int, columns: int, *, with_original: bool
) -> list[FigureGroup]:
    """Show patches of each class: original training patches, then each generator's.

    Args:
        root: Checkout.
        generators: Names of the generators.
        count: Number of patches per grid.
        columns: Number of patches per row.
        with_original: Whether original patches may be shown.

    Returns:
        One group per class that has any patches.

    Raises:
        PathgenError: A patch set is damaged.
    """
    train = root / layout.TRAIN
    original = open_patch_set(train) if train.is_dir() and with_original else None
    groups = []
    for label in LABELS:
        word = LABEL_WORDS[label]
        sets = [] if original is None else [("Original", original.of_label(label))]
        folders = {name: root / layout.synthetic_set(name, label) for name in generators}
        sets += [
            (f"Synthetic ({name})", open_patch_set(folder))
            for name, folder in folders.items()
            if folder.is_dir()
        ]
        shown = [_grid(f"{kind} {word} patches", patches, count, columns) for kind, patches in sets]
        pictures = [picture for picture in shown if picture is not None]
        if pictures:
            groups.append(FigureGroup(f"{word.capitalize()} patches", pictures))
    return groups


def _grid(name: str, patches: PatchSet, count: int, columns: int) -> Picture | None:
    shown = min(count, len(patches))
    alt = f"Sheet of {shown} {name[0].lower()}{name[1:]}"
    return sample_grid(patches, count, columns, alt, f"{name}: {shown} of {len(patches):,}", _GRID_PATCH_PX)


def overlays(folder: Path, cohort: pd.DataFrame | None, limit: int) -> list[Picture]:
    """Show slides with the outlines of tissue and lesions; slides with tumour first.

    Args:
        folder: Folder of ``{slide}.png``; it may be absent.
        cohort: Cohort table, for the slides' labels; None when there is none.
        limit: Maximum number of slides.

    Returns:
        Pictures, scaled down.

    Raises:
        PathgenError: A picture is damaged.
    """
    labels = {} if cohort is None else dict(zip(cohort["slide"], cohort["label"], strict=True))
    splits = {} if cohort is None else dict(zip(cohort["slide"], cohort["split"], strict=True))
    files = sorted(folder.glob("*.png"), key=lambda file: (labels.get(file.stem) != "tumor", file.name))
    shown = []
    for file in files[:limit]:
        label = labels.get(file.stem)
        known = [None if label is None else LABEL_WORDS[label], splits.get(file.stem)]
        details = ", ".join(str(part) for part in known if part is not None)
        caption = f"{file.stem} ({details})" if details else file.stem
        shown.append(read_picture(file, _OVERLAY_PX, f"Slide {file.stem} with its outlines", caption))
    return shown


def generator_curves(folder: Path) -> list[Picture]:
    """Plot the training histories of the generators.

    Args:
        folder: Folder of the GAN trainings' results; it may be absent.

    Raises:
        PathgenError: A history is damaged.
    """
    histories = read_histories(folder)
    panels = {
        "loss": "Loss of generator and discriminator",
        "accuracy": "Accuracy of the discriminator",
        "spread": "Standard deviation of synthetic pixels, originals = 1",
    }
    return _panels(histories, {name: name.replace("/", "-") for name in histories}, panels)


def classifier_curves(folder: Path, generators: Mapping[str, Replicate]) -> list[Picture]:
    """Plot the training histories of the classifiers, by regime.

    Args:
        folder: Folder of the trainings' results by run; it may be absent.
        generators: See `trained_generators`.

    Raises:
        PathgenError: A history is damaged, or a folder is not named as a run.
    """
    histories = read_histories(folder)
    keys = {name: run_key(name, generators) for name in histories}
    several = len({key.classifier for key in keys.values()}) > 1
    ordered = sorted(keys, key=lambda name: run_order(keys[name]))
    groups = {
        name: f"{key.regime_group}, {key.classifier}" if several else key.regime_group
        for name, key in ((name, keys[name]) for name in ordered)
    }
    return _panels(
        {name: histories[name] for name in ordered}, groups, {"loss": "Loss", "accuracy": "Accuracy"}
    )


def _panels(
    histories: Mapping[str, pd.DataFrame], groups: Mapping[str, str], panels: Mapping[str, str]
) -> list[Picture]:
    names = ", ".join(dict.fromkeys(groups.values()))
    figures = {title: plots.plot_histories(histories, groups, word) for word, title in panels.items()}
    return [
        svg_picture(figure, f"{title}, over the training of {names}", title)
        for title, figure in figures.items()
        if figure is not None
    ]


def privacy_pictures(folder: Path, *, with_original: bool) -> list[Picture]:
    """Show the pictures of the audits: closest pairs, and histograms of correlation.

    Args:
        folder: Folder of one folder per generator; it may be absent.
        with_original: Whether pictures that hold original patches may be shown.

    Returns:
        Pictures by generator and name; without original patches only the histograms.

    Raises:
        PathgenError: A picture is damaged.
    """
    shown = []
    files = folder.glob("[!.]*/pictures/*.png")
    for file in sorted(files, key=lambda file: (file.parts[-3], file.name)):
        # An allow-list: a picture of a new kind stays hidden until it is known to hold no original patch.
        if not with_original and not file.stem.startswith("correlation"):
            continue
        kind, _, label = file.stem.partition("-")
        title, explanation = _PRIVACY_PICTURES.get(kind, (kind.replace("_", " ").capitalize(), ""))
        alt = f"{title}: {LABEL_WORDS.get(label, label)}, {file.parts[-3]}"
        plot = file.with_suffix(".svg")
        if plot.exists():
            shown.append(read_svg(plot, alt, f"{alt}. {explanation}", "Run `dvc repro` again"))
        else:
            shown.append(read_picture(file, _GALLERY_PX, alt, f"{alt}. {explanation}"))
    return shown
