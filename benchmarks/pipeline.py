"""Measure the time of ``dvc repro`` outside the runs of its stages, in a clone of this checkout."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import ROOT, Result, report
from pathgen.tracking.client import open_store


def stage_seconds(study: Path) -> list[float]:
    """Return the duration of each finished run of a stage, s."""
    os.chdir(study)
    os.environ["DVC_ROOT"] = str(study)
    store = open_store("pathgen")
    # The pipeline's own run is created after it.
    condition = "attributes.status = 'FINISHED' and tags.stage != 'pipeline'"
    runs = store.client.search_runs([store.experiment_id], condition, max_results=10_000)
    # Nested runs lie inside the run of their stage.
    stages = [run.info for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return [(run.end_time - run.start_time) / 1000 for run in stages]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        study = Path(name, "study")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(study)], check=True)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=study, check=True, stdout=sys.stderr)
        whole = time.perf_counter() - start
        stages = stage_seconds(study)
        os.chdir(ROOT)
    results = [
        Result("whole pipeline", whole, "s"),
        Result(f"inside {len(stages)} stages", sum(stages), "s"),
    ]
    report(results, {"overhead_share": 1 - sum(stages) / whole})
