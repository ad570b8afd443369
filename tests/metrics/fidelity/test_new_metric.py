"""The walk-through "Add a fidelity metric" of CONTRIBUTING.md, executed."""

import json
from pathlib import Path

from factories.walkthrough import apply_chapter, changed_stages, run_script

SCRIPT = """
import json
import numpy as np
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings

rng = np.random.default_rng(0)
sets = [{"tumor": rng.integers(0, 200 + 20 * i, (40, 16, 16, 3), dtype=np.uint8)} for i in range(3)]
settings = FidelitySettings(
    seed=1, extractor="texture-v1", max_patches=40, n_subsets=2, confidence=0.95, neighbours_k=2,
    n_projections=8,
)
print(json.dumps(measure_fidelity(*sets, settings).as_json()))
"""


def test_new_metric_is_measured_with_interval_and_floor(tmp_path: Path) -> None:
    apply_chapter("Add a fidelity metric", tmp_path)
    assert changed_stages(tmp_path) == {"fidelity"}
    content = json.loads(run_script(SCRIPT, tmp_path))
    metrics = content["metrics"]
    assert metrics["fidelity/tumor/brightness"] > metrics["fidelity/tumor/brightness/floor_high"] > 5
    assert content["about"]["brightness"]["better"] == "lower"
