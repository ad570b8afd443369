"""Made-up privacy audits."""

from typing import Any

from pathgen.results.audit_record import PASSED, AttackResult, Audit, ClassAudit, ControlResult, Verdict


def attack(value: float | None, p_adjusted: float = 1.0, expected: float = 0.5) -> AttackResult:
    """Return an attack whose interval extends 0.03 to either side."""
    low, high = (None, None) if value is None else (value - 0.03, value + 0.03)
    return AttackResult(
        question="Which was learnt?",
        value=value,
        low=low,
        high=high,
        expected=expected,
        p_value=p_adjusted / 10,
        p_adjusted=p_adjusted,
        found=p_adjusted <= 0.01,
    )


def control(name: str, kind: str, found_by: tuple[str, ...], *, as_expected: bool = True) -> ControlResult:
    """Return a control set."""
    return ControlResult(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        what=f"set of {name}",
        smallest_p_adjusted=0.5,
        found_by=found_by,
        as_expected=as_expected,
    )


def class_audit(auc: float = 0.56, p_adjusted: float = 0.14, **changes: Any) -> ClassAudit:
    """Return the audit of a class whose strongest attack has this ROC-AUC."""
    fields: dict[str, Any] = {
        "verdict": PASSED,
        "text": "Some patches were compared.",
        "patches": {"train": 20, "synthetic": 70},
        "level": 0.01,
        "tests": {
            "weak_auc": attack(auc - 0.02),
            "strong_auc": attack(auc, p_adjusted),
            "strong_tpr": attack(0.04, 0.9, expected=0.0125),
            "strong_strict_tpr": attack(0.9, 0.9, expected=0.0025),
            "unmeasured_auc": attack(None),
        },
        "controls": (
            control("copies", "positive", ("strong_auc", "strong_tpr")),
            control("fresh", "negative", ()),
        ),
    }
    return ClassAudit(**(fields | changes))


def audit(verdict: Verdict = PASSED, normal: ClassAudit | None = None, **changes: Any) -> Audit:
    """Return an audit of both classes.

    Args:
        verdict: Verdict on the set.
        normal: Audit of the normal class; that of the tumor class has the default values.
        changes: Other fields.
    """
    fields: dict[str, Any] = {
        "verdict": verdict,
        "caveat": "No test proves it.",
        "metrics": {"privacy/normal/weak_auc": 0.54, "privacy/normal/weak_auc/expected": 0.5},
        "labels": {"normal": normal or class_audit(), "tumor": class_audit()},
    }
    return Audit(**(fields | changes))
