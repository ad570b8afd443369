"""``results/comparison/comparison.json``: the regimes compared on the same test patches."""

from collections.abc import Mapping
from typing import Literal

from pathgen.results.evaluation_record import Unit
from pathgen.results.record import Record

#: Sources of variation of a difference: test units, generator trainings, seeds of the classifiers.
Component = Literal["test", "generators", "seeds"]


class ComparedTest(Record):
    """The test set, and how it was resampled.

    Attributes:
        patches: Number of test patches.
        unit: What was resampled.
        count: Number of units.
        resamples: Number of test sets drawn.
        confidence: Level of the intervals, in (0, 1).
        power: Power of the minimum detectable difference, in (0, 1).
    """

    patches: int
    unit: Unit
    count: int
    resamples: int
    confidence: float
    power: float


class MeanMetric(Record):
    """Mean of a metric over the trainings of a regime; what could not be computed is None.

    Attributes:
        mean: Mean over trainings.
        sd: Standard deviation over trainings.
        low: Lower end of the confidence interval.
        high: Upper end.
        error_slides: Standard error over the resampled units.
        error_trainings: Standard error over trainings.
        converged: Mean over the trainings that converged; None where all or none did.
    """

    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    error_slides: float | None = None
    error_trainings: float | None = None
    converged: float | None = None


class ErrorComponent(Record):
    """Standard error of a difference from one source of variation.

    Attributes:
        error: The standard error, > 0.
        freedom: Its degrees of freedom.
        count: Number of units: test slides (patients, patches), generator trainings or seeds.
    """

    error: float
    freedom: float
    count: int


class MetricDifference(Record):
    """Paired difference of a metric; what could not be computed is None.

    Attributes:
        difference: Mean of the first regime minus that of the second.
        low: Lower end of the confidence interval.
        high: Upper end.
        error_slides: Standard error over the resampled units.
        error_trainings: Standard error over trainings.
        converged: The difference without trainings that did not converge; None where all converged, or none
            of a regime did.
        components: Source of variation to its part of the standard error; those that vary.
    """

    difference: float
    low: float | None = None
    high: float | None = None
    error_slides: float | None = None
    error_trainings: float | None = None
    converged: float | None = None
    components: Mapping[Component, ErrorComponent] = {}


class RegimeMean(Record):
    """All trainings of one classifier on one regime.

    Attributes:
        classifier: Name of the classifier.
        regime: Regime with its generator, e.g. ``mixed-dcgan``.
        trainings: Number of trainings.
        generators: Number of generators behind them; 0 for the original regime.
        not_converged: Names of the runs that did not converge.
        repeated: Names of the runs that were repeated with another seed because they had not converged.
        first_epoch: Names of the runs whose best epoch was the first.
        metrics: Metric name to its mean.
    """

    classifier: str
    regime: str
    trainings: int
    generators: int
    not_converged: tuple[str, ...]
    repeated: tuple[str, ...] = ()
    first_epoch: tuple[str, ...] = ()
    metrics: Mapping[str, MeanMetric]


class McNemar(Record):
    """McNemar's exact test of two single trainings.

    Attributes:
        generator: Generator of the first training; None for the original regime.
        seed: Seed of both trainings.
        only_regime: Number of patches that only the first training classifies correctly.
        only_against: Number of patches that only the second training classifies correctly.
        p_value: Two-sided p-value, which takes patches as independent.
    """

    generator: str | None
    seed: int
    only_regime: int
    only_against: int
    p_value: float


class RegimeDifference(Record):
    """Two regimes of one classifier.

    Attributes:
        classifier: Name of the classifier.
        regime: First regime.
        against: Second regime.
        metrics: Metric name to its paired difference.
        mcnemar: McNemar's tests, one per pair of trainings with the same seed.
        p_value: p-value of the difference in accuracy; None without an interval.
        p_adjusted: The same, Holm-adjusted over all pairs.
        minimum_difference: Minimum detectable difference in accuracy of one test.
    """

    classifier: str
    regime: str
    against: str
    metrics: Mapping[str, MetricDifference]
    mcnemar: tuple[McNemar, ...]
    p_value: float | None = None
    p_adjusted: float | None = None
    minimum_difference: float | None = None


class Comparison(Record):
    """The whole file.

    Attributes:
        test: The test set, and how it was resampled.
        regimes: Means per classifier and regime.
        differences: Differences per classifier and pair of regimes.
    """

    test: ComparedTest
    regimes: tuple[RegimeMean, ...]
    differences: tuple[RegimeDifference, ...]

    def regime(self, classifier: str, regime: str) -> RegimeMean | None:
        """Return the means of one classifier and regime, or None when it was not compared."""
        found = [one for one in self.regimes if (one.classifier, one.regime) == (classifier, regime)]
        return found[0] if found else None

    def difference(self, classifier: str, regime: str, against: str) -> RegimeDifference | None:
        """Return the difference between two regimes, or None when they were not compared."""
        of_regime = [one for one in self.differences if (one.classifier, one.regime) == (classifier, regime)]
        return next((one for one in of_regime if one.against == against), None)
