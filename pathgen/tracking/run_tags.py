"""Tags of a run: the code and the libraries that made it; nothing about the host or its user."""

import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pathgen

# Written by the pipeline while it runs: a change of them is no change of the code.
_GENERATED = ("dvc.lock", "results/**", "report/**", "**/.gitignore")
_SOURCES = ("--", ".", *(f":(exclude,glob){name}" for name in _GENERATED))
_GIT_TIMEOUT_S = 30
# Names of which MLflow accepts every combination.
_NAME = re.compile(r"[\w.-]+")
# MLflow's limit; it would cut a longer value without a mark.
_PARAMETER_CHARS = 6000
#: Artifact of a run with the parameters that MLflow cannot hold whole.
LONG_PARAMETERS = "long_parameters.json"


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def git_tags(root: Path) -> dict[str, str]:
    """Return the commit, and whether tracked files differ from it.

    Untracked files and files that the pipeline writes (dvc.lock, results, report) do not count.

    Args:
        root: Any folder of the checkout.

    Returns:
        ``git_commit`` and ``git_dirty`` (``true`` or ``false``); empty outside git.
    """
    commit = _git(root, "rev-parse", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", *_SOURCES)
    if commit is None or changed is None:
        return {}
    return {
        "git_commit": commit.strip(),
        "git_dirty": "true" if changed.strip() else "false",
        "mlflow.source.git.commit": commit.strip(),
    }


def uncommitted_changes(root: Path) -> str:
    """Return the changes of tracked files against the commit as a patch; empty if there are none."""
    return _git(root, "diff", "HEAD", *_SOURCES) or ""


def device_name() -> str:
    """Return the device that the stage can use: ``cpu``, or the product name of the GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return "cpu"
    return str(torch.cuda.get_device_name())


def version_tags() -> dict[str, str]:
    """Return the versions of pathgen, Python and the libraries that a result depends on."""
    libraries = {name: version(name) for name in ("torch", "mlflow", "dvc", "numpy")}
    return {
        "version.pathgen": pathgen.__version__,
        "version.python": platform.python_version(),
        **{f"version.{name}": number for name, number in libraries.items()},
    }


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten nested parameters to dotted names.

    Args:
        parameters: Nested or already flat; lists are kept whole, as JSON, and so are empty mappings and those
            with names that MLflow refuses, e.g. QuPath's class ``Ignore*``.
        prefix: Prefix of every name.

    Returns:
        Dotted name to text, sorted by name.
    """
    flat: dict[str, str] = {}
    for name, value in parameters.items():
        if isinstance(value, Mapping) and value and all(_NAME.fullmatch(str(key)) for key in value):
            flat.update(flatten(value, f"{prefix}{name}."))
        elif isinstance(value, (list, tuple, Mapping)):
            flat[f"{prefix}{name}"] = json.dumps(value, default=str)
        else:
            flat[f"{prefix}{name}"] = str(value)
    return dict(sorted(flat.items()))


def fitting(parameters: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Fit parameters into MLflow's limit of length.

    Args:
        parameters: Name to text, see `flatten`.

    Returns:
        All parameters, the long ones cut with a mark at the end; and the long ones whole, to be logged as the
        artifact `LONG_PARAMETERS`.
    """
    mark = f" ... (cut; whole in {LONG_PARAMETERS})"
    whole = {name: text for name, text in parameters.items() if len(text) > _PARAMETER_CHARS}
    cut = {name: text[: _PARAMETER_CHARS - len(mark)] + mark for name, text in whole.items()}
    return {**parameters, **cut}, whole
