"""What is measured once per training, as a mean with an interval over trainings. Pure functions."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pathgen.metrics.statistics.confidence_intervals import proportion_ci, training_se
from pathgen.report.tables import NOT_RUN, Row, interval, number
from pathgen.run_matrix import kind_of
from pathgen.webpage.table import Table


def mean_over_trainings(
    values: Sequence[float], generators: Sequence[str], seeds: Sequence[int], confidence: float
) -> str:
    """Write the mean of a share and, below it, its interval over trainings alone.

    Args:
        values: One per training, at least one, each in [0, 1].
        generators: The generator of each training's patches, replicates by their own names; one name for all
            where there is none.
        seeds: The classifier's seed of each training.
        confidence: Level of the interval, in (0, 1).

    Returns:
        The mean alone where there is one training, or where no two differ.
    """
    mean, spread = fmean(values), training_se(values, generators, seeds)
    ends = None if spread is None else proportion_ci(mean, spread, confidence)
    return number(mean) + ("" if ends is None else f"\n{number(ends[0])} to {number(ends[1])}")


def both_ways_table(
    found: Mapping[str, Mapping[str, Any]], rows: Sequence[Row], confidence: float
) -> Table | None:
    """Hold accuracy on synthetic patches (TRTS) against what training on them gives (TSTR).

    Args:
        found: Run ``{generator}-{classifier}-{seed}`` of a classifier of original patches to its metrics on
            synthetic ones.
        rows: Lines of the result table.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        A line per kind of generator and classifier, replicates together; None when nothing was asked.
    """
    of_line: dict[tuple[str, str], list[tuple[float, str, int]]] = {}
    for name, measured in found.items():
        if "accuracy" not in measured:
            continue
        generator, _, run = name.partition("-")
        classifier, _, seed = run.rpartition("-")
        own = of_line.setdefault((kind_of(generator), classifier), [])
        own.append((measured["accuracy"], generator, int(seed)))
    trained_on = {(row.generator, row.classifier): row for row in rows if row.regime == "synthetic"}
    lines = []
    for place, trainings in of_line.items():
        values, generators, seeds = zip(*trainings, strict=True)
        row = trained_on.get(place)
        accuracy = None if row is None else row.metrics["accuracy"]
        reverse = NOT_RUN if accuracy is None else f"{number(accuracy.mean)}\n{interval(accuracy)}"
        mean = mean_over_trainings(values, generators, seeds, confidence)
        lines.append([*place, str(len(trainings)), mean, reverse])
    head = ["generator", "classifier", "classifiers asked", "trained on original, asked about synthetic"]
    head += ["trained on synthetic, asked about original"]
    caption = (
        f"Accuracy both ways, means over runs with {confidence:.0%} intervals. On synthetic patches the "
        "interval covers another training alone; on original ones it is that of the result table."
    )
    return Table(caption, head, lines, counts=(2,)) if lines else None
