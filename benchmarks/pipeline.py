"""Measure the time of ``dvc repro`` outside the work of its stages, in a clone of this checkout."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import ROOT, Result, report
from pathgen.planning.durations import FILE, read_durations


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        study = Path(name, "study")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(study)], check=True)
        command = [sys.executable, "-m", "dvc", "repro"]
        start = time.perf_counter()
        subprocess.run(command, cwd=study, check=True, stdout=sys.stderr)
        whole = time.perf_counter() - start
        stages = [each["seconds"] for each in read_durations(study / FILE)["stages"].values()]
    results = [Result("whole pipeline", whole, "s"), Result(f"inside {len(stages)} stages", sum(stages), "s")]
    report(results, {"overhead_share": 1 - sum(stages) / whole})
