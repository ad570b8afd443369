"""What the pipeline costs beside its stages' work: `dvc repro`, minus the time inside the stages' runs.

Without --study the default profile is run whole in a temporary clone, which takes as long as the study. With
it the record of a finished study is read: the whole is then counted from the start of its first run to the
end of its last, without what comes before and after.
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
# A stage starts within seconds of the one before; after a longer pause somebody has typed a command.
PAUSE_S = 30.0
# What a stage that starts alone loads before it works, and what the pipeline loads once.
PARTS = {
    "Python": "pass",
    "pandas": "import pandas",
    "torch": "import torch",
    "MLflow": "import pathgen.tracking.client",
    "DVC": "import dvc.repo",
    "a stage without torch": "import stages.baseline",
    "a stage with torch": "import stages.evaluate",
}


@dataclass(frozen=True)
class Span:
    """The time inside a stage's run, s since 1970."""

    start: float
    end: float


def last_pipeline(spans: Sequence[Span]) -> list[Span]:
    """Return the longest series of stages without a pause between them, of equals the last.

    Args:
        spans: Of all runs, in any order.
    """
    series: list[list[Span]] = []
    ordered = sorted(spans, key=lambda span: span.start)
    for before, span in pairwise([None, *ordered]):
        assert span is not None
        if before is None or span.start - before.end > PAUSE_S:
            series.append([])
        series[-1].append(span)
    return max(reversed(series), key=len)


def overhead_share(spans: Sequence[Span], whole_s: float) -> float:
    """Return which share of the whole time no stage's run was open.

    Args:
        spans: Of the stages, none at the same time as another.
        whole_s: Of all, with what lies between, before and after.
    """
    return 1 - sum(span.end - span.start for span in spans) / whole_s


def recorded_spans(study: Path, since: float = 0.0) -> list[Span]:
    """Read the finished runs of stages out of a study's MLflow store.

    Args:
        study: A checkout.
        since: Runs that began before are left out, s since 1970.
    """
    os.chdir(study)
    os.environ["DVC_ROOT"] = str(study)
    store = open_store("pathgen")
    spans, token = [], None
    while True:
        # The pipeline's own run is made after it; nested runs lie inside their stage's.
        condition = "attributes.status = 'FINISHED' and tags.stage != 'pipeline'"
        found = store.client.search_runs([store.experiment_id], condition, page_token=token)
        spans += [
            Span(run.info.start_time / 1000, run.info.end_time / 1000)
            for run in found
            if "mlflow.parentRunId" not in run.data.tags and run.info.start_time / 1000 >= since
        ]
        token = found.token
        if not token:
            return spans


def _fresh_study(folder: Path) -> tuple[list[Span], float]:
    clone = folder / "study"
    subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
    began = time.time()
    run = own_process([sys.executable, "-m", "dvc", "repro"], clone)
    return recorded_spans(clone, began), run.seconds


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--study", type=Path, help="read this finished checkout in place of running one")
    wanted = parser.parse_args(arguments)
    file = wanted.json and wanted.json.resolve()
    parts = {name: own_process([sys.executable, "-c", code], CHECKOUT) for name, code in PARTS.items()}
    if wanted.study is None:
        with tempfile.TemporaryDirectory() as name:
            spans, whole = _fresh_study(Path(name))
            os.chdir(CHECKOUT)
    else:
        spans = last_pipeline(recorded_spans(wanted.study.resolve()))
        whole = max(span.end for span in spans) - min(span.start for span in spans)
    ordered = sorted(spans, key=lambda span: span.start)
    between = [after.start - before.end for before, after in pairwise(ordered)]
    inside = sum(span.end - span.start for span in spans)
    results = [
        Result("whole pipeline", whole, "s", 0.0),
        Result(f"inside {len(spans)} stages", inside, "s", 0.0),
        Result("between two stages, median", statistics.median(between), "s", 0.0),
        *(Result(f"loading {name}", run.seconds, "s", run.cpu_s) for name, run in parts.items()),
    ]
    show(results, {"overhead_share": overhead_share(spans, whole)}, file)


if __name__ == "__main__":
    main()
