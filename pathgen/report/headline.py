"""Headline results: the table, what each regime costs in accuracy, the baseline, and the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pathgen.core import layout
from pathgen.report import reference_results
from pathgen.report.read_results import read_runs, read_tables
from pathgen.report.result_table import Row, result_rows
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Baseline
from pathgen.webpage.formatting import Estimate

CostOutcome = Literal["loss", "gain", "not significant", "no interval"]
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
        if self.loss.ends is None:
            return "no interval"
        low, high = self.loss.ends
        if low > 0:
            return "loss"
        return "gain" if high < 0 else "not significant"


def costs(rows: Sequence[Row], comparison: Comparison) -> list[Cost]:
    """Compare every regime with the original one of the same classifier.

    Args:
        rows: Rows of the result table.
        comparison: Comparison of the regimes.

    Returns:
        One cost per regime that was compared with the original one, in the order of the rows.
    """
    originals = {row.classifier: row for row in rows if row.regime == "original"}
    found = []
    for row in rows:
        pair = comparison.difference(row.classifier, row.name, "original")
        accuracy = None if pair is None else pair.metrics.get("accuracy")
        if accuracy is not None:
            low, high = (None if end is None else -end for end in (accuracy.high, accuracy.low))
            loss = Estimate(-accuracy.difference, low, high, len(row.runs), len(row.runs))
            found.append(Cost(row, originals[row.classifier], loss))
    return found


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
        sources: Sources of the patches.
        train_per_class: Number of original training patches per class.
        test_per_class: Number of test patches per class.
    """

    sources: Sequence[str]
    train_per_class: int
    test_per_class: int

    @property
    def comparable(self) -> bool:
        """Whether data and sizes are the paper's."""
        sizes = (reference_results.TRAIN_PER_CLASS, reference_results.TEST_PER_CLASS)
        same_sizes = (self.train_per_class, self.test_per_class) == sizes
        return list(self.sources) == [reference_results.SOURCE] and same_sizes


@dataclass(frozen=True)
class Results:
    """The part of the page that is also written as Markdown and JSON.

    Attributes:
        rows: Rows of the result table.
        baseline: Accuracy on the mean colour alone.
        comparability: Whether the numbers can be compared with the paper's.
        comparison: Comparison of the regimes.
    """

    rows: Sequence[Row]
    baseline: float
    comparability: Comparability
    comparison: Comparison

    @property
    def confidence(self) -> float:
        """Level of all intervals, in (0, 1)."""
        return self.comparison.test.confidence

    @property
    def costs(self) -> list[Cost]:
        """Costs of the regimes, training on synthetic patches alone first."""
        return sorted(costs(self.rows, self.comparison), key=lambda cost: cost.row.regime != "synthetic")


def gather_results(root: Path) -> Results:
    """Read the evaluations and their comparison.

    Args:
        root: Checkout.

    Raises:
        PathgenError: A file is missing or damaged.
    """
    comparison, tables = Comparison.load(root / layout.COMPARISON_JSON), read_tables(root)
    labels = tables.samples.groupby("role")["label"]
    smaller = {role: int(of_role.value_counts().min()) for role, of_role in labels}
    return Results(
        rows=result_rows(read_runs(root), comparison),
        baseline=Baseline.load(root / layout.BASELINE).accuracy,
        comparability=Comparability(tables.sources, smaller["train"], smaller["test"]),
        comparison=comparison,
    )
