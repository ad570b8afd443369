"""The verdict of a study from its comparison and its audits."""

from typing import Any

import pytest
from factories.audits import attack, audit, class_audit
from factories.runs import comparison

from pathgen.results.audit_record import LEAKAGE, REFUSED
from pathgen.results.comparison_record import Comparison, MeanMetric
from pathgen.results.verdict_record import Verdict
from pathgen.verdict.build import AuditedSet, build_verdict

PASSING = AuditedSet(audit(), None)
COMPONENTS = {"test": {"error": 0.02, "freedom": 18.0, "count": 20}}


def compared(low: float, high: float, **failed: Any) -> Comparison:
    """Return a comparison of both regimes with the same interval of the difference."""
    accuracy = {"difference": (low + high) / 2, "low": low, "high": high, "components": COMPONENTS, **failed}
    found = comparison("mixed-dcgan", "synthetic-dcgan", accuracy=accuracy)
    original, *others = found.regimes
    measured = original.model_copy(update={"metrics": {"accuracy": MeanMetric(mean=0.7)}})
    return found.model_copy(update={"regimes": (measured, *others)})


def built(found: Comparison, *audits: AuditedSet, **changes: Any) -> Verdict:
    arguments: dict[str, Any] = {
        "generators": ["dcgan"],
        "classifiers": ["cnn6"],
        "margin": 0.05,
        "demonstration": False,
        "mean_colour": 0.6,
    }
    return build_verdict(found, {"dcgan": audits or [PASSING]}, **(arguments | changes))


def test_good_set_is_releasable() -> None:
    (one,) = built(compared(-0.03, 0.01)).generators
    assert one.alone is not None and one.added is not None and one.private is not None
    assert (one.alone.outcome, one.added.outcome) == ("adequate", "no harm")
    assert one.private.outcome == "no leak detected"
    assert (one.private.attack, one.private.auc) == ("strong_auc", pytest.approx(0.56))
    assert one.alone.needed is None and one.alone.units == {"test": 20}
    assert one.releasable


def test_set_that_only_helps_is_useful() -> None:
    found = compared(-0.3, -0.2)
    mixed, synthetic = found.differences
    gain = mixed.metrics["accuracy"].model_copy(update={"difference": 0.03, "low": 0.01, "high": 0.05})
    better = mixed.model_copy(update={"metrics": {"accuracy": gain}})
    (one,) = built(found.model_copy(update={"differences": (better, synthetic)})).generators
    assert (one.outcomes["useful_alone"], one.outcomes["useful_added"]) == ("inadequate", "helps")
    assert one.releasable


def test_inconclusive_answer_states_what_would_settle_it() -> None:
    (one,) = built(compared(-0.09, 0.01)).generators
    assert one.alone is not None and one.alone.outcome == "inconclusive"
    assert one.alone.needed is not None and one.alone.needed.distance == pytest.approx(0.01)
    needed = one.alone.needed.alone["test"]
    assert needed is not None and needed > 20
    assert one.obstacles == ("not shown to be useful",)
    # On the margin itself no number would.
    (exact,) = built(compared(-0.06, -0.04)).generators
    assert exact.alone is not None and exact.alone.needed is None


def test_failed_trainings_are_named_and_stand_against_a_release() -> None:
    found = compared(-0.03, 0.01, converged=0.02)
    regimes = [
        one.model_copy(
            update={
                "not_converged": (f"{one.regime}-cnn6-1",),
                "repeated": (f"{one.regime}-cnn6-2",),
                "first_epoch": (f"{one.regime}-cnn6-3",),
            }
        )
        for one in found.regimes
    ]
    result = built(found.model_copy(update={"regimes": tuple(regimes)}))
    (one,) = result.generators
    names = ["original", "mixed-dcgan", "synthetic-dcgan"]
    assert one.not_converged == tuple(f"{name}-cnn6-1" for name in names)
    assert one.repeated == tuple(f"{name}-cnn6-2" for name in names)
    assert one.first_epoch == tuple(f"{name}-cnn6-3" for name in names)
    assert one.alone is not None and one.alone.without_failed == 0.02
    assert one.obstacles == ("training not converged",)
    assert result.headline["not_converged"] == 3


def test_worst_audit_and_strongest_attack_of_the_replicates_count() -> None:
    strong = class_audit(tests={"a_auc": attack(0.7), "b_tpr": attack(0.9), "c_auc": attack(None)})
    audits = [
        AuditedSet(audit(REFUSED), 3.0),
        AuditedSet(audit(LEAKAGE, normal=strong), 8.0, {"dcgan/2/tumor": "overfitted"}),
        AuditedSet(audit(), 1.0),
    ]
    (one,) = built(compared(-0.03, 0.01), *audits).generators
    assert one.private is not None
    assert (one.private.attack, one.private.label) == ("a_auc", "normal")
    assert (one.private.outcome, one.private.epsilon) == ("leak detected", 8.0)
    assert one.obstacles == ("leak detected", "generator not converged")
    (refused,) = built(compared(-0.03, 0.01), audits[0], PASSING).generators
    assert refused.private is not None
    # One training without a guarantee leaves the generator without one.
    assert (refused.private.outcome, refused.private.epsilon) == ("audit refused", None)


def test_regime_that_was_not_compared_has_no_answer() -> None:
    (one,) = built(comparison("synthetic-dcgan", accuracy={"difference": -0.2})).generators
    assert one.added is None and one.alone is not None
    assert (one.alone.outcome, one.alone.low, one.alone.needed) == ("inconclusive", None, None)
    assert "useful_added" not in one.outcomes


def test_headline_has_at_most_ten_numbers_of_the_first_generator() -> None:
    result = built(compared(-0.03, 0.01), generators=["dcgan", "other"], demonstration=True)
    assert result.demonstration and [one.generator for one in result.generators] == ["dcgan", "other"]
    assert len(result.headline) <= 10
    assert result.headline["accuracy/mean_colour"] == 0.6
    assert result.generators[0].effect == pytest.approx(0.1)
    assert result.headline["difference/synthetic"] == pytest.approx(-0.01)
    assert result.tags["verdict.useful_alone"] == "adequate"
    assert result.tags["verdict.release"] == "ready"
    assert result.tags["verdict.other.cnn6.release"] == "not shown to be useful; audit refused"
