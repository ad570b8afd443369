"""What the stage `compare` found, for the page: intervals, differences, tests. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pathgen.report.load import Run
from pathgen.report.seed_intervals import mean_over_trainings
from pathgen.report.tables import NOT_PUBLISHED, REGIME_WORDS, Row, Summary, number, summarise
from pathgen.run_matrix import regime_name
from pathgen.webpage.table import Table

#: With fewer slides (patients) than this the intervals held the truth, but were as wide as the data are few.
FEW_SLIDES = 8
#: What was resampled, for a reader.
WHOSE = {"patient": "patients", "slide": "slides", "patch": "patches"}


def with_intervals(rows: Sequence[Row], comparison: Mapping[str, Any] | None) -> list[Row]:
    """Give the rows the intervals that cover the choice of slides or patients as well as the training.

    Args:
        rows: Lines of the result table, with intervals over trainings alone.
        comparison: The content of ``comparison.json``; None when the regimes were not compared.

    Returns:
        The rows; a metric the comparison has no interval of, has none.
    """
    found = {
        (one["classifier"], one["regime"]): one["metrics"]
        for one in (comparison or {"regimes": []})["regimes"]
    }
    changed = []
    for row in rows:
        own = found.get((row.classifier, row.name))
        if own is None:
            changed.append(row)
            continue
        metrics = {
            name: replace(summary, low=own.get(name, {}).get("low"), high=own.get(name, {}).get("high"))
            for name, summary in row.metrics.items()
        }
        changed.append(replace(row, metrics=metrics))
    return changed


def loss_against_original(comparison: Mapping[str, Any] | None, row: Row) -> Summary | None:
    """Return what the row's regime loses in accuracy against the original one; None if not compared."""
    for pair in (comparison or {"differences": []})["differences"]:
        if (pair["classifier"], pair["regime"], pair["against"]) == (row.classifier, row.name, "original"):
            found = pair["metrics"].get("accuracy")
            if found is None:
                return None
            low, high = found.get("low"), found.get("high")
            count = len(row.runs)
            ends = (None, None) if low is None or high is None else (-high, -low)
            return Summary(-found["difference"], ends[0], ends[1], count, count)
    return None


def paired_loss(original: Sequence[Run], other: Sequence[Run], confidence: float) -> Summary | None:
    """Return the loss in accuracy over the seeds that both have.

    Args:
        original: Runs on original patches.
        other: Runs of one other regime with the same classifier.
        confidence: Level of the interval over the seeds, in (0, 1).

    Returns:
        Accuracy of the original runs minus that of the others; None when they share no seed. The interval
        does not cover the choice of slides.
    """
    before = {run.key.seed: run.metrics.get("accuracy") for run in original}
    after = {run.key.seed: run.metrics.get("accuracy") for run in other}
    pairs = [(before[seed], after[seed]) for seed in sorted(before.keys() & after.keys())]
    losses = [None if a is None or b is None else a - b for a, b in pairs]
    return summarise(losses, confidence, lowest=-1.0) if losses else None


def coverage_note(comparison: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Say what the intervals cover, by what means, and what they do not."""
    test, whose = comparison["test"], WHOSE[comparison["test"]["unit"]]
    several = any(one["trainings"] > 1 for one in comparison["regimes"])
    replicates = max((one["generators"] for one in comparison["regimes"]), default=0)
    if test["unit"] == "patch":
        means = (
            f"The source does not say which slide a patch is from: the intervals take the {test['count']:,} "
            "test patches as independent. Patches of one slide are alike: the intervals are too narrow."
        )
    else:
        whole = {
            "slide": "slide with all its patches",
            "patient": "patient with all slides (a slide of an unknown patient stands for one)",
        }[test["unit"]]
        means = (
            f"The intervals come from {test['resamples']:,} test sets drawn from the {test['count']} test "
            f"{whose}, each {whole}"
        )
        means += ", and from the trainings with different seeds." if several else "."
        if test["count"] < FEW_SLIDES:
            means += f" {test['count']} {whose} say little about others, as the width of the intervals shows."
    if replicates > 1:
        return f"{means} They cover the choice of {whose}, and another training of classifier and generator."
    covered = f"the choice of {whose}" + (" and another training of the classifier" if several else "")
    left = "another training of the generator" if any(row.generator for row in rows) else "other hospitals"
    covers = f"They cover {covered}, not {left}."
    return means if test["unit"] == "patch" else f"{means} {covers}"


def words_of(regime: str) -> str:
    """Write a regime's name, e.g. ``mixed-dcgan``, for a reader."""
    kind, _, generator = regime.partition("-")
    return REGIME_WORDS[kind] + (f" ({generator})" if generator else "")


def differences_tables(comparison: Mapping[str, Any] | None) -> list[Table]:
    """List the differences between regimes and their tests, and McNemar's; none without a comparison."""
    if comparison is None or not comparison["differences"]:
        return []
    test = comparison["test"]
    lines, by_patch = [], []
    for pair in comparison["differences"]:
        names = [words_of(pair["regime"]), words_of(pair["against"]), pair["classifier"]]
        cells = [_difference(pair["metrics"].get(metric)) for metric in ("accuracy", "f1", "roc_auc")]
        p, smallest = pair.get("p_adjusted"), pair.get("minimum_difference")
        lines.append(
            [*names, *cells, _p(p), NOT_PUBLISHED if smallest is None else f"{100 * smallest:.1f} points"]
        )
        for one in pair["mcnemar"]:
            counts = [f"{one[key]:,}" for key in ("only_regime", "only_against")]
            which = regime_name(str(one["seed"]), one["generator"]) if one["generator"] else str(one["seed"])
            by_patch.append([*names, which, *counts, _p(one["p_value"])])
    whose = WHOSE[test["unit"]]
    head = ["trained on", "against", "classifier", "accuracy", "F1", "ROC-AUC"]
    head += [
        "p-value, all pairs allowed for (Holm)",
        f"smallest difference one test sees {test['power']:.0%} of the time",
    ]
    caption = (
        f"Differences between regimes on the same test patches, with {test['confidence']:.0%} intervals over "
        f"{whose} and trainings. The last column says what these {whose} and trainings can show: the "
        f"difference in accuracy that one test alone would find with {test['power']:.0%} probability. "
        "Allowing for all pairs, a larger one is needed."
    )
    mcnemar_head = ["trained on", "against", "classifier", "training", "only the first is right"]
    mcnemar_head += ["only the second is right", "p-value"]
    mcnemar_caption = (
        "McNemar’s exact test of single trainings. It takes every patch as independent, which patches of a "
        "slide are not: its p-values are too small, and are given for comparison with other studies."
    )
    return [
        Table(caption, head, lines),
        Table(mcnemar_caption, mcnemar_head, by_patch, counts=(4, 5)),
    ]


def _difference(found: Mapping[str, float] | None) -> str:
    if found is None:
        return NOT_PUBLISHED
    said = f"{found['difference']:+.3f}".replace("-", "−")
    if "low" not in found:
        return said
    ends = " to ".join(f"{found[end]:+.3f}".replace("-", "−") for end in ("low", "high"))
    return f"{said}\n{ends}"


def _p(value: float | None) -> str:
    if value is None:
        return NOT_PUBLISHED
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def calibration_table(
    rows: Sequence[Row], comparison: Mapping[str, Any] | None, confidence: float
) -> Table | None:
    """List calibration error and operating point, means over runs; None when no run has them.

    Args:
        rows: Lines of the result table.
        comparison: What the stage `compare` found; None where it was not run.
        confidence: Level of the calibration error's interval, in (0, 1).
    """
    found = {
        (one["classifier"], one["regime"]): one["metrics"]
        for one in (comparison or {"regimes": []})["regimes"]
    }
    lines = []
    for row in rows:
        own = found.get((row.classifier, row.name), {})
        runs = [run for run in row.runs if "calibration_error" in run.metrics]
        if not runs:
            continue
        errors = [run.metrics["calibration_error"] for run in runs]
        generators, seeds = [run.key.generator or "" for run in runs], [run.key.seed for run in runs]
        cells = [mean_over_trainings(errors, generators, seeds, confidence)]
        for metric in ("average_precision", "operating_recall", "operating_specificity"):
            measured = own.get(metric)
            if measured is None:
                cells.append(NOT_PUBLISHED)
            else:
                ends = f"\n{measured['low']:.3f} to {measured['high']:.3f}" if "low" in measured else ""
                cells.append(number(measured["mean"]) + ends)
        lines.append([row.words, row.classifier, *cells])
    head = ["trained on", "classifier", "calibration error", "PR-AUC (average precision)"]
    head += ["tumour found at the operating point", "normal passed there"]
    caption = (
        "Calibration error (mean distance of the curve from the diagonal, over patches; 0 is best; its "
        "interval covers another training alone, as the error grows by chance with fewer patches), area "
        "under precision and recall, and the operating point: a threshold chosen on the original validation "
        "patches for a fixed specificity, judged on the test patches."
    )
    return Table(caption, head, lines) if lines else None


def on_synthetic_table(found: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """List what classifiers of original patches make of synthetic ones (TRTS); None when not run."""
    lines = []
    for name, measured in found.items():
        generator, _, run = name.partition("-")
        classifier, _, seed = run.rpartition("-")
        cells = [
            f"{number(measured.get(metric))}\n{number(measured.get(f'{metric}/low'))} to "
            f"{number(measured.get(f'{metric}/high'))}"
            for metric in ("accuracy", "specificity", "recall")
        ]
        lines.append([generator, classifier, seed, f"{measured.get('n', 0):,}", *cells])
    head = ["generator", "classifier", "seed", "patches", "called what they were made for"]
    head += ["normal ones called normal", "tumour ones called tumour"]
    caption = (
        "Classifiers trained on original patches, tested on synthetic ones. The intervals hold for more "
        "patches of the same generator, and this one classifier."
    )
    return Table(caption, head, lines, counts=(3,)) if lines else None
