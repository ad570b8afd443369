"""The walk-through "Add an attack" of CONTRIBUTING.md, executed."""

import json
from pathlib import Path

from factories.walkthrough import apply_chapter, changed_stages, run_script

SCRIPT = """
import json
import sys
sys.path.append("TESTS")
from factories.privacy_sets import blocks, privacy_settings
from pathgen.privacy.audit import audit

members, nonmembers, reference = ({"tumor": blocks(seed, 40)} for seed in range(3))
settings = privacy_settings(symmetries="identity", shift_shortlist=1, copy_share=0.2)
synthetic = {"tumor": members["tumor"]}
print(json.dumps(audit(members, nonmembers, reference, synthetic, settings).record.as_json()))
"""


def test_new_attack_is_tested_adjusted_and_detects_copies(tmp_path: Path) -> None:
    apply_chapter("Add an attack", tmp_path)
    assert changed_stages(tmp_path) - {"dp_point"} == {"privacy"}
    tests = str(Path(__file__).resolve().parents[1])
    record = json.loads(run_script(SCRIPT.replace("TESTS", tests), tmp_path))
    result = record["labels"]["tumor"]["tests"]["calibrated_features_auc"]
    assert result["found"] and result["value"] > 0.95
    assert 0 < result["p_value"] < result["p_adjusted"] < 0.001
    assert record["metrics"]["privacy/tumor/calibrated_features_strict_tpr"] > 0.5
