"""What each regime costs in accuracy, and how it compares with the baseline and with the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pathgen.report import reference_results
from pathgen.report.read_results import Run
from pathgen.report.result_table import Row, mean_estimate
from pathgen.results.comparison_record import Comparison
from pathgen.webpage.formatting import Estimate

CostOutcome = Literal["loss", "gain", "not significant", "no interval", "undefined"]
BaselineOutcome = Literal["above", "below", "not distinguishable", "no interval", "undefined"]


@dataclass(frozen=True)
class Cost:
    """Cost of a regime compared with training on original patches.

    Attributes:
        row: Row of the regime.
        original: Row of the original regime with the same classifier.
        loss: Accuracy of the original regime minus that of the regime; positive is a loss.
    """

    row: Row
    original: Row
    loss: Estimate

    @property
    def outcome(self) -> CostOutcome:
        """Conclusion from the interval of the loss."""
        means = (self.loss.mean, self.row.metrics["accuracy"].mean, self.original.metrics["accuracy"].mean)
        if None in means:
            return "undefined"
        if self.loss.ends is None:
            return "no interval"
        low, high = self.loss.ends
        if low > 0:
            return "loss"
        return "gain" if high < 0 else "not significant"


def costs(rows: Sequence[Row], confidence: float, comparison: Comparison | None = None) -> list[Cost]:
    """Compare every regime with the original one of the same classifier.

    Args:
        rows: Rows of the result table.
        confidence: Level of intervals over seeds, in (0, 1).
        comparison: Comparison of the regimes, whose intervals also cover the choice of test slides; None when
            it was not run.

    Returns:
        One cost per regime that was compared with the original one, or shares a seed with it, in the order of
        the rows.
    """
    originals = {row.classifier: row for row in rows if row.regime == "original"}
    pairs = [(row, originals[row.classifier]) for row in rows if row.classifier in originals]
    losses = [
        (row, original, _accuracy_loss(original, row, confidence, comparison))
        for row, original in pairs
        if row is not original
    ]
    return [Cost(row, original, loss) for row, original, loss in losses if loss is not None]


def _accuracy_loss(
    original: Row, row: Row, confidence: float, comparison: Comparison | None
) -> Estimate | None:
    """Return the loss of the comparison, else that over the common seeds; None when there are none."""
    compared = None if comparison is None else comparison.difference(row.classifier, row.name, "original")
    accuracy = None if compared is None else compared.metrics.get("accuracy")
    if accuracy is None:
        return paired_loss(original.runs, row.runs, confidence)
    low, high = (None if end is None else -end for end in (accuracy.high, accuracy.low))
    return Estimate(-accuracy.difference, low, high, len(row.runs), len(row.runs))


def paired_loss(original: Sequence[Run], other: Sequence[Run], confidence: float) -> Estimate | None:
    """Return the loss in accuracy over the seeds that both have; None when they share no seed.

    Args:
        original: Runs of the original regime.
        other: Runs of another regime with the same classifier.
        confidence: Level of the interval over seeds, in (0, 1).
    """
    before = {run.key.seed: run.metrics.get("accuracy") for run in original}
    after = {run.key.seed: run.metrics.get("accuracy") for run in other}
    pairs = [(before[seed], after[seed]) for seed in sorted(before.keys() & after.keys())]
    losses = [None if a is None or b is None else a - b for a, b in pairs]
    return mean_estimate(losses, confidence, lowest=-1.0) if losses else None


def baseline_outcome(row: Row, baseline: float) -> BaselineOutcome:
    """Compare the accuracy of a row with the baseline, which must lie outside its interval to differ."""
    accuracy = row.metrics["accuracy"]
    if accuracy.mean is None:
        return "undefined"
    if accuracy.ends is None:
        return "no interval"
    low, high = accuracy.ends
    if low <= baseline <= high:
        return "not distinguishable"
    return "above" if accuracy.mean > baseline else "below"


@dataclass(frozen=True)
class Comparability:
    """Whether the numbers of the study can be compared with the paper's.

    Attributes:
        sources: Sources of the patches; empty when unknown.
        train_per_class: Number of original training patches per class; None when unknown.
        test_per_class: Number of test patches per class; None when unknown.
    """

    sources: Sequence[str]
    train_per_class: int | None
    test_per_class: int | None

    @property
    def comparable(self) -> bool:
        """Whether data and sizes are the paper's."""
        sizes = (reference_results.TRAIN_PER_CLASS, reference_results.TEST_PER_CLASS)
        return (
            list(self.sources) == [reference_results.SOURCE]
            and (self.train_per_class, self.test_per_class) == sizes
        )
