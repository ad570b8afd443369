"""The made-up study of the report, complete enough to be released. Nothing in it was measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fabricated import SIDE_PX, fabricate, report_on
from ruamel.yaml import YAML

from pathgen.core.files import write_json
from pathgen.core.profiles import read_profile
from pathgen.patches.store import PatchSetWriter
from pathgen.privacy.attack_family import MEMBERSHIP
from pathgen.release.limits import TOO_NEAR

CHECKOUT = Path(__file__).resolve().parents[2]
HARMLESS = "no leakage found by these tests"
LABELS = ("normal", "tumor")
COUNT = 70


def write_params(root: Path, changes: dict[str, Any]) -> None:
    """Write the profile phantom, changed, as the study's settings."""
    params = read_profile("phantom")
    for path, value in {"report.patient_pictures": "left_out", **changes}.items():
        *folders, name = path.split(".")
        section = params
        for folder in folders:
            section = section[folder]
        assert name in section, path
        section[name] = value
    YAML(typ="safe").dump(params, root / "params.yaml")


def audit(
    verdict: str = HARMLESS, looked_at: int = COUNT, auc: float = 0.55, near: float = 0.01
) -> dict[str, Any]:
    """Return what the audit's metrics.json would hold."""
    control = {"name": "few copies", "what": "3 copies", "found_by": ["close_ncc"], "as_expected": True}
    of_label = {
        "verdict": verdict,
        "patches": {"synthetic": looked_at, "train": 20},
        "controls": [control],
    }
    metrics = {f"privacy/{label}/{name}": 0.5 for label in LABELS for name in MEMBERSHIP}
    metrics |= {f"privacy/{label}/{name}/high": 0.52 for label in LABELS for name in MEMBERSHIP}
    metrics |= {f"privacy/{label}/{TOO_NEAR}/high": 0.001 for label in LABELS}
    metrics |= {f"privacy/tumor/{MEMBERSHIP[0]}/high": auc, f"privacy/normal/{TOO_NEAR}/high": near}
    text = f"{verdict}. {looked_at} synthetic patches were looked at."
    return {
        "verdict": verdict,
        "metrics": metrics,
        "labels": {label: of_label | {"text": f"{label}: {text}"} for label in LABELS},
    }


def write_audit(root: Path, content: dict[str, Any]) -> None:
    write_json(root / "results" / "privacy" / "dcgan" / "metrics.json", content)


def make_study(root: Path) -> Path:
    """Write a study that nothing speaks against."""
    fabricate(root)
    rng = np.random.default_rng(7)
    with PatchSetWriter(root / "data" / "patches" / "reference", 40, SIDE_PX) as writer:
        writer.append(rng.integers(0, 256, (40, SIDE_PX, SIDE_PX, 3), dtype=np.uint8))
        writer.finish(pd.DataFrame({"item": range(40), "label": ["normal", "tumor"] * 20}))
    write_params(root, {})
    write_audit(root, audit())
    report_on(root, root / "report", patient_pictures=False)
    return root
