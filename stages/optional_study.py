"""Shared by the optional studies, which are plain commands on top of the pipeline."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.tracking.dvc_api import open_project, stage_names


def reproduce_inputs(generators: Sequence[str]) -> None:
    """Bring patches and generators up to date with ``dvc repro``.

    Args:
        generators: Names of the generators that the study reads.

    Raises:
        PathgenError: A stage of the pipeline has failed.
    """
    with open_project(Path.cwd()) as project:
        stages = stage_names(project)
    trainings = [f"train_gan@{generator}" for generator in generators]
    # One stage for all labels, or one for each of them.
    _dvc_repro(
        "extract", *(name for name in stages if name in trainings or name.rpartition("-")[0] in trainings)
    )


def refresh_report() -> None:
    """Write the report page again, if there is one: no stage waits for an optional study.

    Raises:
        PathgenError: The stage has failed.
    """
    if (layout.REPORT / "index.html").exists():
        _dvc_repro("--single-item", "--force", "report")


def _dvc_repro(*arguments: str) -> None:
    ended = subprocess.run([sys.executable, "-m", "dvc", "repro", *arguments], check=False)
    if ended.returncode:
        hint = "Correct the error above and run the command again"
        raise PathgenError(f"dvc repro {' '.join(arguments)}", "has failed", hint)
