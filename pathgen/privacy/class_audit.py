"""Audit of one class: tests, controls and verdict."""

from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack_family import QUESTIONS, run_attacks
from pathgen.privacy.attack_features import attack_features
from pathgen.privacy.controls import build_controls, run_controls
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.verdict import decide, explain
from pathgen.results.audit import AttackResult, ClassAudit


def class_audit(pairs: ClassPairs, level: float) -> ClassAudit:
    """Test one class, run its controls and reach a verdict.

    Args:
        pairs: Patches of the class and their nearest pairs.
        level: Probability of a false alarm over all tests of the class.

    Returns:
        The audit, without scores and risks that the verdict does not rest on.
    """
    features = attack_features(pairs.profile, pairs.reference_profile, pairs.pool)
    tests = run_attacks(features, pairs.settings, pairs.rng("labellings", pairs.label))
    adjusted = holm({name: test.p_value for name, test in tests.items()})
    controls = run_controls(pairs, build_controls(pairs), level)
    verdict, found = decide(adjusted, level, controls)
    n = len(pairs.pool.members)
    return ClassAudit(
        verdict=verdict,
        text=explain(verdict, found, tests, controls, pairs),
        patches={"train": n, "nonmember": n, "reference": n, "synthetic": len(pairs.synthetic)},
        level=level,
        tests={
            name: AttackResult(
                question=QUESTIONS[name],
                value=test.value,
                low=test.low,
                high=test.high,
                expected=test.expected,
                p_value=test.p_value,
                p_adjusted=adjusted[name],
                found=name in found,
            )
            for name, test in tests.items()
        },
        controls=controls,
    )
