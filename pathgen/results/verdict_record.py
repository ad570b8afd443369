"""``results/verdict.json``: what the study concludes about each generator."""

from collections.abc import Mapping
from typing import Literal

from pathgen.results.comparison_record import Component
from pathgen.results.evaluation_record import Unit
from pathgen.results.health_record import GeneratorState
from pathgen.results.record import Record

#: ``refused``: a control failed.
UsefulAlone = Literal["adequate", "inadequate", "inconclusive", "refused"]
UsefulAdded = Literal["helps", "no harm", "harms", "inconclusive", "refused"]
Private = Literal["no leak detected", "leak detected", "audit refused"]
#: Why a synthetic set is not ready for release.
ReleaseObstacle = Literal[
    "not shown to be useful",
    "leak detected",
    "audit refused",
    "not audited",
    "training not converged",
    "generator not converged",
    "control failed",
]


class Needed(Record):
    """Size of a study that would settle an inconclusive answer, if the estimates at hand were true.

    Attributes:
        distance: Half-width that the interval must fall below, a difference in accuracy.
        alone: Source of variation to the total number of its units with which the answer is settled, the
            others unchanged; None where no number suffices.
        factor: Factor by which all numbers must grow together; None above 100.
    """

    distance: float
    alone: Mapping[Component, int | None]
    factor: float | None


class Utility(Record):
    """Accuracy of a regime compared with that of original patches alone.

    Attributes:
        difference: Accuracy of the regime minus that of the original one; None when it was not compared.
        low: Lower end of its confidence interval over test units, generator trainings and seeds.
        high: Upper end.
        without_failed: The difference without trainings that did not converge; None when all converged.
        needed: What would settle an inconclusive answer; None for the other answers, and without an interval.
        units: Source of variation that the interval covers to its number of units in the study.
        rests_on_failed: Whether the answer would be another without the trainings that did not converge; the
            outcome is then ``inconclusive``, unless a control failed.
    """

    difference: float | None
    low: float | None
    high: float | None
    without_failed: float | None = None
    needed: Needed | None = None
    units: Mapping[Component, int] = {}
    rests_on_failed: bool = False


class AloneAnswer(Utility):
    """Answer to: are synthetic patches useful in place of original ones?"""

    outcome: UsefulAlone


class AddedAnswer(Utility):
    """Answer to: are synthetic patches useful together with original ones?"""

    outcome: UsefulAdded


class ControlAnswer(AloneAnswer):
    """Answer to the same question about a set for which the right answer is known.

    Attributes:
        control: Name of the control.
        expected: The right answer.
        not_converged: Names of its runs that did not converge.
    """

    control: str
    expected: UsefulAlone
    not_converged: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the answer is the right one."""
        return self.outcome == self.expected


class PrivacyAnswer(Record):
    """Answer to: do the synthetic patches reveal their training patches?

    Attributes:
        outcome: The answer.
        attack: Attack with the largest ROC-AUC; None when no attack has one.
        label: Class on which it was run.
        auc: Its ROC-AUC; 0.5 is chance level.
        low: Lower end of its confidence interval.
        high: Upper end.
        found: Tests that found a leak, each with its class, e.g. ``closer_l2 (tumor)``.
        epsilon: Privacy loss that differential privacy guarantees; None without a guarantee.
        secret: Whether the noise came from a secret seed; the guarantee does not hold against who knows it.
    """

    outcome: Private
    attack: str | None = None
    label: str | None = None
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    found: tuple[str, ...] = ()
    epsilon: float | None = None
    secret: bool = False


class GeneratorVerdict(Record):
    """The three answers about one generator, with all its trainings, and one classifier.

    Attributes:
        generator: Name of the generator.
        classifier: Name of the classifier.
        alone: Synthetic patches in place of original ones.
        added: Synthetic patches together with original ones.
        controls: Sets that stood in place of the synthetic one; empty when none was trained on.
        private: The audit; of several trainings, the worst.
        effect: Accuracy of training on original patches minus that on the mean colour alone; None when either
            was not measured.
        not_converged: Names of the classifiers' runs that did not converge.
        repeated: Names of the runs that were repeated with another seed because they had not converged.
        first_epoch: Names of the runs whose best epoch was the first.
        generator_faults: Training of a generator, e.g. ``dcgan/1/tumor``, to its state; those that did not
            converge.
        obstacles: Why the set is not ready for release; empty when it is.
    """

    generator: str
    classifier: str
    alone: AloneAnswer | None
    added: AddedAnswer | None
    controls: tuple[ControlAnswer, ...] = ()
    private: PrivacyAnswer | None
    effect: float | None = None
    not_converged: tuple[str, ...]
    repeated: tuple[str, ...] = ()
    first_epoch: tuple[str, ...] = ()
    generator_faults: Mapping[str, GeneratorState] = {}
    obstacles: tuple[ReleaseObstacle, ...]

    @property
    def releasable(self) -> bool:
        """Whether nothing stands against a release."""
        return not self.obstacles

    @property
    def outcomes(self) -> dict[str, str]:
        """Question to its outcome, and ``release`` to ``ready`` or what stands against it; for tags."""
        answers = {"useful_alone": self.alone, "useful_added": self.added, "private": self.private}
        asked = {name: answer.outcome for name, answer in answers.items() if answer is not None}
        return {**asked, "release": "; ".join(self.obstacles) or "ready"}


class Verdict(Record):
    """The whole file.

    Attributes:
        demonstration: Whether the patches are computer-drawn and say nothing about patients.
        margin: Largest loss in accuracy that counts as adequate.
        confidence: Level of the intervals.
        unit: Unit of the test set: what the intervals resample.
        headline: At most ten numbers, the DVC metrics of the study.
        generators: One verdict per generator and classifier, the first ones of the settings first.
    """

    demonstration: bool
    margin: float
    confidence: float
    unit: Unit
    headline: Mapping[str, float]
    generators: tuple[GeneratorVerdict, ...]

    @property
    def tags(self) -> dict[str, str]:
        """Tags for MLflow: ``verdict.{question}`` of the first generator; others have their name in it."""
        first, *others = self.generators
        tags = {f"verdict.{name}": outcome for name, outcome in first.outcomes.items()}
        for one in others:
            key = f"verdict.{one.generator}.{one.classifier}"
            tags |= {f"{key}.{name}": outcome for name, outcome in one.outcomes.items()}
        return tags
