"""Measure the cost of the pipeline outside its stages' work: ``dvc repro`` minus the time inside the runs.

Without --study the default profile is run in a temporary clone, which takes as long as the study. With it the
record of a finished study is read: the whole is then the time from the start of its first run to the end of
its last.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.measuring import Result, own_process, show
from pathgen.tracking.client import open_store

CHECKOUT = Path(__file__).resolve().parents[1]
# A stage starts within seconds of the one before; after a longer pause a user has typed a command.
PAUSE_S = 30.0
# Imports of a stage before it works.
PARTS = {
    "Python": "pass",
    "pandas": "import pandas",
    "torch": "import torch",
    "MLflow": "import pathgen.tracking.client",
    "DVC": "import dvc.repo",
    "a stage without torch": "import stages.sample",
    "a stage with torch": "import stages.train_classifier",
}


@dataclass(frozen=True)
class Span:
    """Time inside a stage's run, s since 1970."""

    start: float
    end: float


def last_pipeline(spans: Sequence[Span]) -> list[Span]:
    """Return the longest series of runs without a pause between them; the last one of equals."""
    series: list[list[Span]] = []
    for before, span in pairwise([None, *sorted(spans, key=lambda span: span.start)]):
        assert span is not None
        if before is None or span.start - before.end > PAUSE_S:
            series.append([])
        series[-1].append(span)
    return max(reversed(series), key=len)


def recorded_spans(study: Path, since: float = 0.0) -> list[Span]:
    """Read the finished runs of stages of a checkout, begun after `since` (s since 1970)."""
    os.chdir(study)
    os.environ["DVC_ROOT"] = str(study)
    store = open_store("pathgen")
    # The pipeline's own run is made after it; nested runs lie inside their stage's run.
    condition = "attributes.status = 'FINISHED' and tags.stage != 'pipeline'"
    runs = store.client.search_runs([store.experiment_id], condition, max_results=10_000)
    spans = [
        Span(run.info.start_time / 1000, run.info.end_time / 1000)
        for run in runs
        if "mlflow.parentRunId" not in run.data.tags
    ]
    return [span for span in spans if span.start >= since]


def _fresh_study(folder: Path) -> tuple[list[Span], float]:
    clone = folder / "study"
    subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
    begun = time.time()
    run = own_process([sys.executable, "-m", "dvc", "repro"], clone)
    return recorded_spans(clone, begun), run.seconds


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--study", type=Path, help="read this finished checkout instead of running one")
    options = parser.parse_args(arguments)
    file = options.json and options.json.resolve()
    parts = {name: own_process([sys.executable, "-c", code], CHECKOUT) for name, code in PARTS.items()}
    if options.study is None:
        with tempfile.TemporaryDirectory() as name:
            spans, whole = _fresh_study(Path(name))
            os.chdir(CHECKOUT)
    else:
        spans = last_pipeline(recorded_spans(options.study.resolve()))
        whole = max(span.end for span in spans) - min(span.start for span in spans)
    ordered = sorted(spans, key=lambda span: span.start)
    between = [after.start - before.end for before, after in pairwise(ordered)]
    inside = sum(span.end - span.start for span in spans)
    results = [
        Result("whole pipeline", whole, "s", 0.0),
        Result(f"inside {len(spans)} stages", inside, "s", 0.0),
        Result("between two stages, median", statistics.median(between), "s", 0.0),
        *(Result(f"imports of {name}", run.seconds, "s", run.cpu_s) for name, run in parts.items()),
    ]
    show(results, {"overhead_share": 1 - inside / whole}, file)


if __name__ == "__main__":
    main()
