"""Results of one classifier on patches: the original test set, synthetic patches (TRTS), mean colour."""

from collections.abc import Mapping
from typing import Literal

from pathgen.results.health_record import ClassifierHealth
from pathgen.results.record import MetricValues, Record

#: What the bootstrap resamples.
Unit = Literal["patient", "slide", "patch"]


class Interval(Record):
    """Ends of a confidence interval."""

    low: float
    high: float


class Resampled(Record):
    """What the bootstrap resampled.

    Attributes:
        unit: Patients, slides or, where slides are unknown, patches.
        count: Number of units in the test set.
    """

    unit: Unit
    count: int


class Thresholds(Record):
    """Scores from which a patch is called tumor.

    Attributes:
        call: The fixed threshold of the metrics.
        operating: The threshold of the operating point, chosen on the validation set.
    """

    call: float
    operating: float


class Confusion(Record):
    """Number of patches by actual and predicted class; tumor is positive."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int


class Evaluation(MetricValues):
    """``results/evaluate/{run}/metrics.json``: one classifier on the original test patches.

    Attributes:
        intervals: Metric name to its confidence interval over `resampled`.
        resampled: What was resampled for the intervals.
        thresholds: Scores from which a patch is called tumor.
        confusion: Patches by actual and predicted class.
        undefined: Metric name to the reason why it is undefined on these patches.
        health: Whether the training converged.
    """

    intervals: Mapping[str, Interval]
    resampled: Resampled
    thresholds: Thresholds
    confusion: Confusion
    undefined: Mapping[str, str]
    health: ClassifierHealth


class SyntheticEvaluation(MetricValues):
    """``results/on_synthetic/{run}/metrics.json``: a classifier of original patches on synthetic ones (TRTS).

    The keys ``{metric}/low`` and ``{metric}/high`` hold the ends of Wilson's intervals.

    Attributes:
        confusion: Patches by intended and predicted class.
    """

    confusion: Confusion


class Baseline(Record):
    """``results/baseline.json``: logistic regression on the mean colour of each patch.

    Attributes:
        accuracy: Share of the original test patches that are classified correctly.
    """

    accuracy: float
