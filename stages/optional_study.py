"""Shared by the optional studies, which are plain commands on top of the pipeline."""

import subprocess
import sys
from collections.abc import Sequence

from pathgen.core import layout
from pathgen.core.errors import PathgenError


def reproduce_inputs(generators: Sequence[str]) -> None:
    """Bring patches and generators up to date with ``dvc repro``.

    Args:
        generators: Names of the generators that the study reads.

    Raises:
        PathgenError: A stage of the pipeline has failed.
    """
    _dvc_repro("extract", *(f"train_gan@{generator}" for generator in generators))


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
