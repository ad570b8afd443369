"""The pictures of the page, made from patch sets, histories and picture files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.report import plots
from pathgen.report.load import key_of, read_histories, run_order
from pathgen.report.tables import Row, number
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.pictures import Picture, read_picture, read_svg, sample_grid, svg_picture

_OVERLAY_PX = 480
_GALLERY_PX = 2000
# Small patches are shown enlarged, so that nuclei can be seen.
_GRID_PATCH_PX = 56
_EVENLY = "Taken at even distances over each set; none was chosen by its looks."
# Kind of picture, as the file is named, to its name and what there is to see on it.
_PRIVACY_PICTURES = {
    "correlation": (
        "How closely synthetic patches resemble real ones",
        "Where nothing leaks, the two outlines lie on each other; copies would stand at 1, in the solid one.",
    ),
    "gallery": (
        "Closest pairs",
        "In each row a synthetic patch, the training patch nearest to it, and the nearest patch that the "
        "generator never saw. A copy would equal the middle one.",
    ),
}


@dataclass(frozen=True)
class Part:
    """Pictures that belong together, with a heading and a remark."""

    heading: str
    remark: str
    pictures: Sequence[Picture]


def result_plots(rows: Sequence[Row], baseline: float | None) -> list[Picture]:
    """Plot the accuracies, and the ROC curves where the runs have them.

    Args:
        rows: Lines of the result table.
        baseline: Accuracy on the mean colour alone; None when not run.

    Returns:
        None, one or two plots.
    """
    shown = []
    if rows:
        means = "; ".join(
            f"{row.words}, {row.classifier}: {number(row.metrics['accuracy'].mean)}" for row in rows
        )
        shown.append(
            svg_picture(
                plots.plot_accuracy(rows, baseline), f"Accuracy by regime. {means}.", "Accuracy by regime."
            )
        )
    curved = [row for row in rows if any(run.roc is not None for run in row.runs)]
    if curved:
        areas = "; ".join(f"{row.words}: area {number(row.metrics['roc_auc'].mean)}" for row in curved)
        caption = "ROC curves; one line per run. A curve nearer to the upper left corner is better."
        shown.append(svg_picture(plots.plot_roc(curved), f"ROC curves. {areas}.", caption))
    return shown


def comparison_plot(comparison: Mapping[str, Any] | None) -> list[Picture]:
    """Plot the differences in accuracy between regimes with their intervals; none without a comparison."""
    pairs = (
        []
        if comparison is None
        else [one for one in comparison["differences"] if "accuracy" in one["metrics"]]
    )
    if not pairs:
        return []
    said = "; ".join(
        f"{one['regime']} against {one['against']}, {one['classifier']}: "
        f"{number(one['metrics']['accuracy']['difference'])}"
        for one in pairs
    )
    caption = "Differences in accuracy between regimes, with intervals; left of 0 the first one is worse."
    return [svg_picture(plots.plot_differences(pairs), f"Differences in accuracy. {said}.", caption)]


def reliability_plot(rows: Sequence[Row]) -> list[Picture]:
    """Plot the reliability curves of the runs that have one."""
    curved = [row for row in rows if any(run.reliability is not None for run in row.runs)]
    if not curved:
        return []
    names = ", ".join(f"{row.words}, {row.classifier}" for row in curved)
    caption = (
        "Reliability; one line per run. On the diagonal, of the patches given 70 % as many are tumour; below "
        "it the classifier is too sure of tumour."
    )
    return [svg_picture(plots.plot_reliability(curved), f"Reliability curves of {names}", caption)]


def confusion_plots(rows: Sequence[Row]) -> list[Picture]:
    """Plot the confusion matrices of the rows that have one; the numbers are in the table beside it."""
    return [
        svg_picture(
            plots.plot_confusion(row.confusion),
            f"Confusion matrix of {row.classifier} trained on {row.words}; the table below has the numbers",
            f"{row.words}, {row.classifier}",
        )
        for row in rows
        if row.confusion is not None
    ]


def grid_parts(
    patches: Path, synthetic: Path, count: int, columns: int, *, with_original: bool
) -> list[Part]:
    """Show patches of each class: the original ones of the training set, then each generator's.

    Args:
        patches: Folder of the original patch sets; its ``train`` is shown.
        synthetic: Folder of ``{generator}-{label}`` patch sets.
        count: Patches per sheet.
        columns: Patches side by side.
        with_original: Whether original patches may be shown.

    Returns:
        One part per class that has any patches, with one sheet per set.

    Raises:
        PathgenError: A patch set is damaged.
    """
    original = open_patch_set(patches / "train") if (patches / "train").is_dir() and with_original else None
    parts = []
    for label in LABELS:
        word = LABEL_WORDS[label]
        sets = [] if original is None else [("Original", original.of_label(label))]
        sets += [
            (f"Synthetic ({folder.name.removesuffix(f'-{label}')})", open_patch_set(folder))
            for folder in sorted(synthetic.glob(f"[!.]*-{label}"))
        ]
        shown = [_grid(f"{kind} {word} patches", of, count, columns) for kind, of in sets]
        pictures = [picture for picture in shown if picture is not None]
        if pictures:
            parts.append(Part(f"{word.capitalize()} patches", _EVENLY, pictures))
    return parts


def _grid(name: str, patches: PatchSet, count: int, columns: int) -> Picture | None:
    shown = min(count, len(patches))
    caption = f"{name}: {shown} of {len(patches):,}"
    return sample_grid(
        patches, count, columns, f"Sheet of {shown} {name[0].lower()}{name[1:]}", caption, _GRID_PATCH_PX
    )


def overlays(folder: Path, cohort: pd.DataFrame | None, at_most: int) -> list[Picture]:
    """Show slides with the outlines of tissue and lesions; slides with tumour first.

    Args:
        folder: Folder of ``{slide}.png``; it may be absent.
        cohort: The cohort table, for the slides' labels; None when there is none.
        at_most: How many to show.

    Returns:
        The pictures, scaled down.

    Raises:
        PathgenError: A picture is damaged.
    """
    labels = {} if cohort is None else dict(zip(cohort["slide"], cohort["label"], strict=True))
    splits = {} if cohort is None else dict(zip(cohort["slide"], cohort["split"], strict=True))
    files = sorted(folder.glob("*.png"), key=lambda file: (labels.get(file.stem) != "tumor", file.name))
    shown = []
    for file in files[:at_most]:
        label = labels.get(file.stem)
        words = None if label is None else LABEL_WORDS[label]
        known = [part for part in (words, splits.get(file.stem)) if part is not None]
        caption = f"{file.stem} ({', '.join(known)})" if known else file.stem
        shown.append(read_picture(file, _OVERLAY_PX, f"Slide {file.stem} with its outlines", caption))
    return shown


def training_parts(gan: Path, training: Path) -> list[Part]:
    """Plot what the generators and the classifiers wrote per epoch.

    Args:
        gan: Folder of ``{generator}-{label}/history.csv``.
        training: Folder of ``{run}/history.csv``.

    Returns:
        One part for the generators, one for the classifiers; each left out when it was not run.

    Raises:
        PathgenError: A history is damaged.
    """
    generators = read_histories(gan)
    classifiers = read_histories(training)
    keys = {name: key_of(name) for name in classifiers}
    ordered = sorted(classifiers, key=lambda name: run_order(keys[name]))
    regimes = {name: keys[name].row for name in ordered}
    several = len({key.classifier for key in keys.values()}) > 1
    groups = {
        name: f"{regime}, {keys[name].classifier}" if several else regime for name, regime in regimes.items()
    }
    parts = [
        Part(
            "Generators",
            "A discriminator that is right on nearly everything has won; near one half it cannot tell "
            "original from synthetic. A spread that falls to 0 is a collapse.",
            _panels(
                generators,
                {name: name for name in generators},
                {
                    "loss": "Loss of generator and discriminator",
                    "accuracy": "Share the discriminator gets right",
                    "spread": "Spread of synthetic pixels, original = 1",
                },
            ),
        ),
        Part(
            "Classifiers",
            "One line per run.",
            _panels(
                {name: classifiers[name] for name in ordered},
                groups,
                {"loss": "Loss", "accuracy": "Accuracy"},
            ),
        ),
    ]
    return [part for part in parts if part.pictures]


def _panels(
    histories: Mapping[str, pd.DataFrame], groups: Mapping[str, str], panels: Mapping[str, str]
) -> list[Picture]:
    shown = []
    for word, title in panels.items():
        figure = plots.plot_histories(histories, groups, word)
        if figure is not None:
            names = ", ".join(dict.fromkeys(groups.values()))
            shown.append(svg_picture(figure, f"{title}, over the training of {names}", title))
    return shown


def privacy_pictures(folder: Path, *, with_original: bool) -> list[Picture]:
    """Show the pictures that the privacy stage left: closest pairs, and how close pairs come in general.

    Args:
        folder: Folder of one folder per generator; it may be absent.
        with_original: Whether pictures that hold original patches may be shown.

    Returns:
        Every PNG, as SVG where that is there too, by generator and name; without original patches only the
        plots.

    Raises:
        PathgenError: A picture is damaged.
    """
    shown = []
    # By generator and kind, so that the classes stand side by side.
    files = folder.glob("[!.]*/pictures/*.png")
    for file in sorted(files, key=lambda file: (file.parts[-3], file.name)):
        # Named by what is harmless: a picture of a new kind stays away until it is known to be.
        if not with_original and not file.stem.startswith("correlation"):
            continue
        kind, _, label = file.stem.partition("-")
        name, explained = _PRIVACY_PICTURES.get(kind, (kind.replace("_", " ").capitalize(), ""))
        whose = f"{LABEL_WORDS.get(label, label)}, {file.parts[-3]}"
        said = f"{name}: {whose}"
        caption = f"{said}. {explained}"
        # A plot is there as lines, too.
        plot = file.with_suffix(".svg")
        if plot.exists():
            shown.append(read_svg(plot, said, caption, "Run `dvc repro` again"))
        else:
            shown.append(read_picture(file, _GALLERY_PX, said, caption))
    return shown
