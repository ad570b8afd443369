"""Build the verdict from the comparison of the regimes and the audits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pathgen.results.audit_record import LEAKAGE, PASSED, REFUSED, SEVERITY, Audit, strongest_attack
from pathgen.results.comparison_record import Comparison
from pathgen.results.health_record import GeneratorState
from pathgen.results.verdict_record import (
    AddedAnswer,
    AloneAnswer,
    ControlAnswer,
    GeneratorVerdict,
    Needed,
    PrivacyAnswer,
    Private,
    ReleaseObstacle,
    Verdict,
)
from pathgen.verdict.advice import needed
from pathgen.verdict.control_answers import answer_controls
from pathgen.verdict.questions import (
    METRIC,
    Answered,
    answer_fields,
    answer_regime,
    distance_added,
    distance_alone,
    useful_added,
    useful_alone,
)

_OUTCOMES: Mapping[str, Private] = {
    PASSED: "no leak detected",
    LEAKAGE: "leak detected",
    REFUSED: "audit refused",
}


@dataclass(frozen=True)
class AuditedSet:
    """The audit of one generator training.

    Attributes:
        audit: The audit.
        epsilon: Privacy loss guaranteed for every class; None without a guarantee.
        secret: Whether the noise of the guarantee came from a secret seed.
        faults: Training of the generator, e.g. ``dcgan/1/tumor``, to its state; those that did not converge.
    """

    audit: Audit
    epsilon: float | None
    secret: bool = False
    faults: Mapping[str, GeneratorState] = field(default_factory=dict)


def build_verdict(
    comparison: Comparison,
    audits: Mapping[str, Sequence[AuditedSet]],
    *,
    controls: Comparison | None = None,
    generators: Sequence[str],
    classifiers: Sequence[str],
    margin: float,
    demonstration: bool,
    mean_colour: float | None,
) -> Verdict:
    """Answer the three questions for each generator and classifier.

    Args:
        comparison: Comparison of the regimes.
        audits: Generator to the audits of its trainings.
        controls: Comparison of the controls with the original regime; None: the verdict has no controls.
        generators: Generators in the order of the settings, one name for all trainings of one.
        classifiers: Classifiers in the order of the settings.
        margin: Non-inferiority margin, a difference in accuracy.
        demonstration: Whether the patches are computer-drawn.
        mean_colour: Accuracy on the mean colour alone; None when it was not measured.

    Returns:
        The verdict; its headline numbers are those of the first generator and classifier.
    """
    verdicts = tuple(
        _of_generator(
            comparison,
            audits.get(generator, ()),
            () if controls is None else answer_controls(controls, classifier, margin),
            generator,
            classifier,
            margin,
            mean_colour,
        )
        for generator in generators
        for classifier in classifiers
    )
    return Verdict(
        demonstration=demonstration,
        margin=margin,
        confidence=comparison.test.confidence,
        unit=comparison.test.unit,
        headline=_headline(comparison, verdicts[0], mean_colour),
        generators=verdicts,
    )


def _of_generator(
    comparison: Comparison,
    audits: Sequence[AuditedSet],
    controls: tuple[ControlAnswer, ...],
    generator: str,
    classifier: str,
    margin: float,
    mean_colour: float | None,
) -> GeneratorVerdict:
    confidence = comparison.test.confidence
    synthetic = answer_regime(comparison, classifier, f"synthetic-{generator}", useful_alone, margin)
    mixed = answer_regime(comparison, classifier, f"mixed-{generator}", useful_added, margin)
    refused = not all(control.passed for control in controls)
    alone = None
    if synthetic is not None:
        alone = AloneAnswer(
            outcome="refused" if refused else synthetic.outcome,
            needed=None if refused else _needed(synthetic, distance_alone, margin, confidence),
            **answer_fields(synthetic),
        )
    added = None
    if mixed is not None:
        added = AddedAnswer(
            outcome="refused" if refused else mixed.outcome,
            needed=None if refused else _needed(mixed, distance_added, margin, confidence),
            **answer_fields(mixed),
        )
    private = _privacy(audits) if audits else None
    faults = {training: state for one in audits for training, state in one.faults.items()}
    found = (comparison.regime(classifier, name) for name in _regimes(generator))
    rows = [row for row in found if row is not None]
    original = _accuracy(comparison, classifier, "original")
    failed = tuple(name for row in rows for name in row.not_converged)
    return GeneratorVerdict(
        generator=generator,
        classifier=classifier,
        alone=alone,
        added=added,
        controls=controls,
        private=private,
        effect=None if original is None or mean_colour is None else original - mean_colour,
        not_converged=failed,
        repeated=tuple(name for row in rows for name in row.repeated),
        first_epoch=tuple(name for row in rows for name in row.first_epoch),
        generator_faults=faults,
        obstacles=_obstacles(alone, added, private, failed, faults, refused=refused),
    )


def _regimes(generator: str) -> tuple[str, str, str]:
    return ("original", f"mixed-{generator}", f"synthetic-{generator}")


def _accuracy(comparison: Comparison, classifier: str, regime: str) -> float | None:
    row = comparison.regime(classifier, regime)
    found = None if row is None else row.metrics.get(METRIC)
    return None if found is None else found.mean


def _needed(
    found: Answered[Any], distance: Callable[[float, float], float], margin: float, confidence: float
) -> Needed | None:
    """Return what would settle an answer; None where more of the same would not."""
    one = found.difference
    limit = distance(one.difference, margin)
    # More of the same trainings would not settle what failed ones decide; one training has no known spread.
    if found.outcome != "inconclusive" or found.rests_on_failed or found.single:
        return None
    return needed(one.components, limit, confidence) if one.components and limit > 0 else None


def _privacy(audits: Sequence[AuditedSet]) -> PrivacyAnswer:
    """Return the worst outcome, its tests and the strongest attack over all trainings of a generator."""
    outcome = _OUTCOMES[max((one.audit.verdict for one in audits), key=SEVERITY.index)]
    found = {
        f"{name} ({label})"
        for one in audits
        for label, of_class in one.audit.labels.items()
        for name, test in of_class.tests.items()
        if test.found and of_class.verdict == LEAKAGE
    }
    epsilons = [one.epsilon for one in audits]
    known = [epsilon for epsilon in epsilons if epsilon is not None]
    answer = PrivacyAnswer(
        outcome=outcome,
        found=tuple(sorted(found)),
        epsilon=max(known) if known and len(known) == len(epsilons) else None,
        secret=all(one.secret for one in audits),
    )
    attack = strongest_attack(one.audit for one in audits)
    if attack is None:
        return answer
    ends = {"low": attack.result.low, "high": attack.result.high}
    return answer.model_copy(update={"attack": attack.name, "label": attack.label, "auc": attack.auc, **ends})


def _obstacles(
    alone: AloneAnswer | None,
    added: AddedAnswer | None,
    private: PrivacyAnswer | None,
    failed: Sequence[str],
    faults: Mapping[str, GeneratorState],
    *,
    refused: bool,
) -> tuple[ReleaseObstacle, ...]:
    useful = (alone is not None and alone.outcome == "adequate") or (
        added is not None and added.outcome == "helps"
    )
    found: list[ReleaseObstacle] = [] if useful else ["not shown to be useful"]
    if private is None:
        found.append("not audited")
    elif private.outcome != "no leak detected":
        found.append(private.outcome)
    if failed:
        found.append("training not converged")
    if faults:
        found.append("generator not converged")
    if refused:
        found.append("control failed")
    return tuple(found)


def _headline(
    comparison: Comparison, verdict: GeneratorVerdict, mean_colour: float | None
) -> dict[str, float]:
    numbers: dict[str, float | None] = {"accuracy/mean_colour": mean_colour}
    for regime, name in zip(("original", "mixed", "synthetic"), _regimes(verdict.generator), strict=True):
        numbers[f"accuracy/{regime}"] = _accuracy(comparison, verdict.classifier, name)
    for name, answer in (("synthetic", verdict.alone), ("mixed", verdict.added)):
        numbers[f"difference/{name}"] = None if answer is None else answer.difference
        numbers[f"difference/{name}/low"] = None if answer is None else answer.low
    numbers["attack_auc"] = None if verdict.private is None else verdict.private.auc
    numbers["not_converged"] = float(len(verdict.not_converged))
    return {name: value for name, value in numbers.items() if value is not None}
