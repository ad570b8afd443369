"""Train the best configuration of a finished study again: the same score, or an error."""

import json
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning.objective import Task, score
from pathgen.studies.tuning.overrides import with_fields
from pathgen.training.metric_logger import NullLogger


def train_best_again(task: Task, summary: Path) -> list[float]:
    """Train the best configuration again, from nothing.

    Args:
        task: What all trials share; with the same params, patches and threads as then.
        summary: The study's ``summary.json``.

    Returns:
        Best accuracy on the original validation patches of each seed, equal to those of the summary.

    Raises:
        PathgenError: There is no such summary, or the numbers are others.
    """
    try:
        best = json.loads(summary.read_text(encoding="utf-8"))["best"]
    except (OSError, json.JSONDecodeError, KeyError):
        raise PathgenError(summary, "cannot be read", "Run the study first, or pull its results") from None
    scores = score(
        task,
        with_fields(task.params, best["fields"]),
        what=f"trial {best['trial']} again",
        resume_folder=None,
        recorder_of=lambda _: NullLogger(),
        after_epoch=lambda *_: None,
    )
    if scores != best["scores"]:
        raise PathgenError(
            summary,
            f"the best configuration gave {best['scores']}, and now {scores}",
            "Equal params.yaml, patches, torch, processor and threads give equal numbers: see which differ",
        )
    return scores
