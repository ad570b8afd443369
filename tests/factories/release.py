"""A made-up study that may be released. Nothing in it was measured."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from factories.audits import attack, audit, class_audit
from factories.cohort import write_noise
from factories.parameters import changed_params
from factories.study import PIPELINE, SIDE_PX, fabricate, report_on
from factories.verdicts import write_verdict
from pathgen.core.files import write_json
from pathgen.core.profiles import read_profile
from pathgen.release.limits import TOO_NEAR
from pathgen.release.release_inputs import ReleaseInputs
from pathgen.results.audit_record import PASSED, Audit, Verdict

LABELS = ("normal", "tumor")
COUNT = 70
# The made-up classifiers of synthetic patches reach 0.65.
RELEASABLE = {"report.patient_pictures": "left_out", "release.limits.min_accuracy": 0.6}


def write_params(root: Path, changes: dict[str, Any]) -> None:
    """Write the profile phantom, changed, as the settings of the study."""
    made_up = {"pipeline": PIPELINE, "scaling.classifiers": ["cnn6"], **RELEASABLE}
    params = changed_params(read_profile("phantom"), {**made_up, **changes})
    YAML(typ="safe").dump(params, root / "params.yaml")


def release_audit(
    verdict: Verdict = PASSED, covered: int = COUNT, auc: float = 0.55, near: float = 0.01
) -> Audit:
    """Return an audit.

    Args:
        verdict: Verdict on the set and on both classes.
        covered: Number of synthetic patches per class in the audit.
        auc: ROC-AUC of the strongest attack; its interval extends 0.03 further.
        near: Upper end of the share of patches too close to a training patch.
    """
    one = class_audit(
        verdict=verdict,
        text=f"{verdict}: {covered} synthetic patches were compared.",
        patches={"synthetic": covered, "train": 20},
        tests={"weak_auc": attack(0.5), "strong_auc": attack(auc)},
    )
    metrics = {"privacy/tumor/shadow_auc/high": 0.52, f"privacy/normal/{TOO_NEAR}/high": near}
    return audit(
        verdict,
        caveat="No test on a finite set proves it.",
        metrics=metrics | {f"privacy/tumor/{TOO_NEAR}/high": 0.001},
        labels=dict.fromkeys(LABELS, one),
    )


def write_audit(root: Path, content: Audit) -> None:
    """Write the audit of the study's synthetic set."""
    content.save(root / "results" / "privacy" / "dcgan" / "1" / "metrics.json")


def make_study(root: Path) -> Path:
    """Write a study that may be released."""
    fabricate(root)
    index = pd.DataFrame({"item": range(40), "label": ["normal", "tumor"] * 20})
    for seed, role in enumerate(("reference", "fresh"), start=7):
        write_noise(root / "data" / "patches" / role, index, SIDE_PX, seed)
    write_params(root, {})
    write_json(root / "results" / "baseline.json", {"accuracy": 0.55})
    write_verdict(root)
    write_audit(root, release_audit())
    report_on(root, root / "report", patient_pictures=False)
    return root


def changed(
    study: ReleaseInputs, audit: dict[str, Any] | None = None, **parts: dict[str, Any]
) -> ReleaseInputs:
    """Return a study with changed fields of its audit, settings or report settings."""
    records = {name: getattr(study, name).model_copy(update=update) for name, update in parts.items()}
    return replace(study, audits={1: study.audit.model_copy(update=audit or {})}, **records)
