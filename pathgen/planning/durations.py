"""Durations of past stages, recorded by the stages themselves."""

import hashlib
import json
from pathlib import Path
from typing import Any

import filelock

from pathgen.core import layout
from pathgen.core.files import write_json
from pathgen.core.params import read_params

FILE = layout.WORK / "durations.json"


def record_duration(stage: str, seconds: float, root: Path = Path()) -> None:
    """Record how long a stage has taken, and with which settings.

    Args:
        stage: Name of the stage in DVC, e.g. ``train_gan@dcgan``.
        seconds: Duration.
        root: Root of the checkout.
    """
    params = read_params(root / layout.PARAMS)
    digest = hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()[:16]
    file = root / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(file.with_suffix(".lock")):
        content = read_durations(file)
        stages = {**content["stages"], stage: {"seconds": round(seconds, 2), "params": digest}}
        known = {**content["params"], digest: params}
        used = {entry["params"] for entry in stages.values()}
        kept = {name: settings for name, settings in known.items() if name in used}
        write_json(file, {"stages": stages, "params": kept})


def read_durations(file: Path) -> dict[str, Any]:
    """Read what `record_duration` wrote.

    Args:
        file: JSON file.

    Returns:
        ``stages``: name of a stage to its seconds and the digest of its settings; ``params``: digest to
        content of params.yaml.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        known = {name: one for name, one in content["stages"].items() if {"seconds", "params"} <= one.keys()}
        return {"stages": known, "params": dict(content["params"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Missing or damaged: they are recorded again; no stage may fail because of them.
        return {"stages": {}, "params": {}}
