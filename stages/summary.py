"""Link the runs of the pipeline in MLflow; print verdict, result table and addresses of report and runs.

With --ui: start the MLflow UI on 127.0.0.1 instead.
"""

import argparse
import os
from pathlib import Path

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.results.headline_record import Headline
from pathgen.results.record import MetricValues
from pathgen.results.verdict_record import Verdict
from pathgen.tracking.pipeline_run import LinkedPipeline, link_pipeline
from pathgen.tracking.uri import ui_command
from pathgen.verdict.verdict_text import as_text

KEY_METRICS = (
    "train/converged",
    "test/mean_colour_accuracy",
    "verdict/accuracy/original",
    "verdict/difference/mixed",
    "verdict/difference/synthetic",
    "verdict/attack_auc",
)


def link() -> LinkedPipeline:
    """Update the pipeline's own MLflow run from dvc.lock."""
    verdict = Verdict.load_if_exists(layout.VERDICT)
    numbers = {} if verdict is None else {f"verdict/{key}": one for key, one in verdict.headline.items()}
    return link_pipeline(
        Path(),
        results={**headline(layout.REPORT), **numbers},
        tags={} if verdict is None else verdict.tags,
        attachments=[
            layout.VERDICT,
            layout.REPORT / "index.html",
            layout.REPORT / "results.md",
            layout.REPORT / "results.json",
            layout.PARAMS,
        ],
        key_metrics=KEY_METRICS,
    )


def headline(report: Path) -> dict[str, float]:
    """Read the headline metrics of the pipeline: accuracies of the regimes, and the privacy-utility points.

    Args:
        report: Folder of the report.

    Returns:
        Metric key to value; empty if there is no report.
    """
    table = Headline.load_if_exists(report / "results.json") or Headline()
    points = MetricValues.load_if_exists(report / "tradeoff.json") or MetricValues()
    accuracies = {
        f"accuracy/{regime}-{classifier}": mean
        for classifier, means in table.accuracies.items()
        for regime, mean in means.items()
    }
    return {key: value for key, value in {**accuracies, **points.metrics}.items() if value is not None}


@cli_errors()
def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ui", action="store_true", help="start the MLflow UI on 127.0.0.1")
    arguments = parser.parse_args()
    address = f"http://127.0.0.1:5000/{link().path()}"
    if arguments.ui:
        print(f"open {address}", flush=True)
        # Replaces this process by the server, so that Ctrl-C reaches it.
        os.execvp("sh", ["sh", "-c", f"exec env {ui_command()}"])  # noqa: S606
    print(as_text(Verdict.load(layout.VERDICT)))
    print((layout.REPORT / "results.md").read_text(encoding="utf-8"))
    print(f"report      {(layout.REPORT / 'index.html').resolve()}")
    print(f"runs        make ui, or: {ui_command()}")
    print(f"            then open {address}")


if __name__ == "__main__":
    main()
