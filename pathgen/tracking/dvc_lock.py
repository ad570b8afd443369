"""The key that an MLflow run shares with an entry of dvc.lock."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pathgen.core.params import read_params

LOCK_FILE = "dvc.lock"


def stage_key(cmd: str | list[str], deps: Iterable[tuple[str, str]], params: Mapping[str, Any]) -> str:
    """Hash everything that decides a stage's result: command, dependencies and parameters.

    The stage computes it while it runs, and `locked_key` computes the same key later from dvc.lock alone.
    So a stage that DVC took from its cache still has the run that made its outputs.

    Args:
        cmd: The stage's command(s).
        deps: Path as in dvc.yaml, and DVC's hash of it, of every dependency; in any order.
        params: Parameter file to {dotted name: value}.

    Returns:
        32 hexadecimal digits.
    """
    facts = {"cmd": cmd, "deps": sorted(deps), "params": params}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_lock(root: Path) -> dict[str, dict[str, Any]]:
    """Read the stages of dvc.lock.

    Args:
        root: The folder that holds it.

    Returns:
        Stage name (``train_gan@dcgan-normal``) to its entry; empty when nothing has run yet.

    Raises:
        PathgenError: The file is not YAML.
    """
    lock = root / LOCK_FILE
    stages: dict[str, dict[str, Any]] = read_params(lock).get("stages", {}) if lock.exists() else {}
    return stages


def locked_key(entry: Mapping[str, Any]) -> str:
    """Compute the `stage_key` of one entry of dvc.lock."""
    deps = [(dep["path"], str(dep.get("md5", ""))) for dep in entry.get("deps", [])]
    return stage_key(entry["cmd"], deps, entry.get("params", {}))
