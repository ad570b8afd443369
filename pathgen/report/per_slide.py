"""The smaller tables of the page: right and wrong, slides. Pure functions."""

from collections.abc import Sequence

import pandas as pd

from pathgen.report.tables import NOT_PUBLISHED, Row, interval, number, summarise
from pathgen.webpage.table import Table


def confusion_table(rows: Sequence[Row]) -> Table | None:
    """List the four cells of every row's confusion matrix, summed over its runs; None without any."""
    lines = []
    for row in rows:
        if row.confusion is not None:
            cells = [row.confusion[cell] for cell in ("tp", "fn", "tn", "fp")]
            lines.append([row.words, row.classifier, *(f"{count:,}" for count in cells)])
    head = [
        "trained on",
        "classifier",
        "tumour found",
        "tumour missed",
        "normal recognised",
        "normal taken for tumour",
    ]
    caption = "Patches, summed over the runs of a row."
    return Table(caption, head, lines, counts=(2, 3, 4, 5)) if lines else None


def slide_table(rows: Sequence[Row], confidence: float) -> Table | None:
    """List the accuracy on each test slide.

    Args:
        rows: Lines of the result table; runs without per-slide results add nothing.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        One line per slide, one column per row of the result table with the mean over its runs and the
        interval; None when no run has results per slide.
    """
    frames = [
        run.per_slide.assign(line=place)
        for place, row in enumerate(rows)
        for run in row.runs
        if run.per_slide is not None
    ]
    if not frames:
        return None
    together = pd.concat(frames, ignore_index=True)
    lines = []
    for slide, of_slide in together.groupby("slide", sort=True):
        cells = []
        for place in range(len(rows)):
            values = of_slide.loc[of_slide["line"] == place, "accuracy"].tolist()
            summary = summarise(values, confidence)
            spread = "" if summary.low is None else f"\n{interval(summary)}"
            cells.append(number(summary.mean) + spread if values else NOT_PUBLISHED)
        first = of_slide.iloc[0]
        lines.append([str(slide), f"{int(first['n']):,}", f"{int(first['n_tumor']):,}", *cells])
    head = ["slide", "patches", "of them tumour", *(f"{row.words}, {row.classifier}" for row in rows)]
    return Table("Accuracy on the test patches of each slide, mean over runs.", head, lines, counts=(1, 2))
