"""Audit of one class: tests, controls and verdict."""

from dataclasses import asdict

from jinja2 import Environment, PackageLoader, StrictUndefined

from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack_family import QUESTIONS, run_attacks
from pathgen.privacy.attack_features import attack_features
from pathgen.privacy.controls import FEW_COPIES, run_controls
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.results.audit import LEAKAGE, PASSED, REFUSED, AttackResult, ClassAudit

_TEMPLATES = Environment(
    loader=PackageLoader("pathgen.privacy", "."),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701, plain text
    trim_blocks=True,
    lstrip_blocks=True,
)


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
    controls = run_controls(pairs, level)
    found = [name for name, p in adjusted.items() if p <= level]
    verdict = LEAKAGE if found else PASSED
    if not all(control.as_expected for control in controls):
        verdict = REFUSED
    text = _TEMPLATES.get_template("verdict.txt.j2").render(
        verdict=verdict,
        found=[(QUESTIONS[name], tests[name]) for name in found],
        failed=[control for control in controls if not control.as_expected],
        detected=next(control for control in controls if control.name == FEW_COPIES),
        pairs=pairs,
    )
    n = len(pairs.pool.members)
    return ClassAudit(
        verdict=verdict,
        text=" ".join(text.split()),
        patches={"train": n, "nonmember": n, "reference": n, "synthetic": len(pairs.synthetic)},
        level=level,
        tests={
            name: AttackResult(
                question=QUESTIONS[name],
                **asdict(test),
                p_adjusted=adjusted[name],
                found=name in found,
            )
            for name, test in tests.items()
        },
        controls=controls,
    )
