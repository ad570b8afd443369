"""The answer in a sentence, with its interval, and what it does not say. Pure functions over the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pathgen.report import reference_results
from pathgen.report.comparison import loss_against_original, paired_loss
from pathgen.report.privacy import privacy_answer
from pathgen.report.tables import Row, Summary


@dataclass(frozen=True)
class Cost:
    """What a regime costs against training on original patches.

    Attributes:
        row: The regime's row.
        original: The row of the original regime with the same classifier.
        loss: Accuracy of original minus accuracy of the regime; positive is a loss.
    """

    row: Row
    original: Row
    loss: Summary


def costs(rows: Sequence[Row], confidence: float, comparison: Mapping[str, Any] | None = None) -> list[Cost]:
    """Compare every regime with the original one of the same classifier.

    Args:
        rows: Lines of the result table.
        confidence: Level of the intervals, in (0, 1).
        comparison: What the stage `compare` found; its intervals also cover the choice of slides. None where
            it was not run: the intervals are then over the seeds alone.

    Returns:
        One cost per other regime that was compared with the original one, or shares a seed with it, in the
        rows' order.
    """
    originals = {row.classifier: row for row in rows if row.regime == "original"}
    found = []
    for row in rows:
        original = originals.get(row.classifier)
        if original is None or row is original:
            continue
        lost = loss_against_original(comparison, row) or paired_loss(original.runs, row.runs, confidence)
        if lost is not None:
            found.append(Cost(row, original, lost))
    return found


def sentence(cost: Cost, confidence: float) -> str:
    """Say one cost in words a reader without statistics can follow.

    Args:
        cost: The comparison.
        confidence: Level of its interval, in (0, 1).

    Returns:
        One sentence with both accuracies, the difference and its interval.
    """
    before, after = cost.original.metrics["accuracy"], cost.row.metrics["accuracy"]
    loss = cost.loss
    if loss.mean is None or before.mean is None or after.mean is None:
        return f"Trained on {cost.row.words}, the accuracy of {cost.row.classifier} is undefined."
    both = (
        f"Trained on {cost.row.words}, the classifier ({cost.row.classifier}) is right on {after.mean:.1%} "
        f"of the original test patches; trained on original patches only, on {before.mean:.1%}"
    )
    points = f"{abs(100 * loss.mean):.1f} percentage points"
    if loss.low is None or loss.high is None:
        direction = "lower" if loss.mean > 0 else "higher"
        return f"{both}. That is {points} {direction}; these runs give no interval."
    ends = sorted((abs(100 * loss.low), abs(100 * loss.high)))
    if loss.low > 0:
        return f"{both}: a loss of {points} ({confidence:.0%} interval {ends[0]:.1f} to {ends[1]:.1f})."
    if loss.high < 0:
        return f"{both}: a gain of {points} ({confidence:.0%} interval {ends[0]:.1f} to {ends[1]:.1f})."
    return (
        f"{both}. The difference, {_signed(-loss.mean)} percentage points, cannot be told from none "
        f"({confidence:.0%} interval {_signed(-loss.high)} to {_signed(-loss.low)})."
    )


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def beside_colour(row: Row, baseline: float | None, confidence: float) -> str:
    """Say how a row stands to a classifier that sees the mean colour of a patch only.

    Args:
        row: The row.
        baseline: Accuracy of that classifier; None when it was not run.
        confidence: Level of the row's interval, in (0, 1).

    Returns:
        One sentence. That the row is above or below is said only where its interval leaves no doubt.
    """
    accuracy = row.metrics["accuracy"]
    if baseline is None:
        return "A classifier on the mean colour alone, the floor for all of these, was not run."
    said = f"A classifier on the mean colour of a patch alone is right on {baseline:.1%}"
    if accuracy.mean is None:
        return f"{said}."
    who = f"{row.classifier} trained on {row.words}"
    if accuracy.low is None or accuracy.high is None:
        place = "above" if accuracy.mean > baseline else "not above"
        return f"{said}; {who} is {place} that, but these runs give no interval."
    if accuracy.low <= baseline <= accuracy.high:
        ends = f"{100 * accuracy.low:.1f} to {100 * accuracy.high:.1f}"
        level = f"{confidence:.0%} interval {ends}"
        return f"{said}; {who}, on {accuracy.mean:.1%} ({level}), cannot be told from that."
    return f"{said}; {who} is {'above' if accuracy.mean > baseline else 'below'} that."


def comparable(sources: Sequence[str], train_per_class: int | None, test_per_class: int | None) -> str | None:
    """Say why this run's numbers may not be held against the paper's.

    Args:
        sources: Where the patches come from, by name.
        train_per_class: Original training patches per class; None when unknown.
        test_per_class: Test patches per class; None when unknown.

    Returns:
        The reason, or None when data and sizes are the paper's.
    """
    if not sources:
        return "The source of the patches is not known, so the numbers cannot be held against the paper's."
    names = ", ".join(sources)
    same_size = (train_per_class, test_per_class) == (
        reference_results.TRAIN_PER_CLASS,
        reference_results.TEST_PER_CLASS,
    )
    if list(sources) == [reference_results.SOURCE] and same_size:
        return None
    made_up = (
        " These are procedural drawings, not tissue: the run shows that the software works, "
        "and says nothing about patients' slides."
        if "phantom" in sources
        else ""
    )
    return (
        f"This run used the source “{names}” with {_count(train_per_class)} training and "
        f"{_count(test_per_class)} test patches per class; the paper used Camelyon16 with "
        f"{reference_results.TRAIN_PER_CLASS:,} and {reference_results.TEST_PER_CLASS:,}. The paper's "
        f"numbers stand beside this run's for orientation only.{made_up}"
    )


def _count(value: int | None) -> str:
    return "an unknown number of" if value is None else f"{value:,}"


def interval_note(rows: Sequence[Row]) -> str:
    """Say what the intervals cover and what they do not."""
    most = max((len(row.runs) for row in rows), default=0)
    if most < 2:
        return "An interval needs at least two training runs of the same kind; this report has single runs."
    return (
        f"The intervals come from {most} trainings of each classifier with different seeds. They cover the "
        "chance in training a classifier; they do not cover the choice of slides or of patients, nor another "
        "training of the generator."
    )


def privacy_sentences(privacy: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Repeat the verdicts of the privacy stage in the answer.

    Args:
        privacy: Generator to the privacy results; a verdict is text under ``verdict``.

    Returns:
        One sentence per generator, or one that says that privacy was not measured.
    """
    if not privacy:
        return [
            "How much the synthetic patches give away of the training patients was not measured in this run."
        ]
    return [privacy_answer(generator, content) for generator, content in privacy.items()]
