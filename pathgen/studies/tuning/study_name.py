"""The name of a study, which stands for all that shapes its trials."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pathgen.classifier.discovery import code_digests
from pathgen.core.files import sha256_of
from pathgen.provenance.code_hash import code_manifest
from pathgen.studies.tuning.overrides import field_value
from pathgen.studies.tuning.settings import TuningSettings

_CODE = (
    "pathgen.gan.sample_cache",
    "pathgen.training.compute",
    *(f"pathgen.studies.tuning.{part}" for part in ("objective", "pruning", "space", "worker")),
)


def study_name(
    params: Mapping[str, Any], settings: TuningSettings, inputs: Sequence[Path], device: str
) -> str:
    """Name a study.

    Trials of other settings, patches, generators, code or another torch are not comparable: they make another
    study. The number of trials is not in the name, so that it can be raised; nor are the workers.

    Args:
        params: The whole params file, plain.
        settings: The search.
        inputs: Folders of patches and checkpoints.
        device: Kind of device that trains, e.g. ``cpu``.

    Returns:
        Classifier, regime and twelve digits.
    """
    classifiers = params["train_classifier"]["classifiers"]
    facts = {
        "tuning": settings.model_dump(exclude={"trials"}),
        "classifier": classifiers.get(settings.classifier),
        "regimes": params["train_classifier"]["regimes"],
        "synthesise": params["synthesise"],
        "compute": {name: params["compute"][name] for name in ("precision", "channels_last", "threads")},
        "device": device,
        "inputs": {
            file.as_posix(): sha256_of(file)
            for folder in inputs
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        },
        # What trains a trial and what ends it early; its synthetic patches are drawn with compute.threads.
        "code": code_manifest(*_CODE),
        "networks": {name: code_digests(name) for name in _networks(params, settings)},
        "torch": version("torch"),
        "optuna": version("optuna"),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f"{settings.classifier}-{settings.regime}-{digest[:12]}"


def _networks(params: Mapping[str, Any], settings: TuningSettings) -> list[str]:
    """Name every network that a trial may train."""
    field = f"train_classifier.classifiers.{settings.classifier}"
    now = str(field_value(params, f"{field}.network"))
    searched = [
        str(value) for one in settings.space if one.field == f"{field}.network" for value in one.extremes()
    ]
    variants = [
        str(variant.get("network", now))
        for one in settings.space
        if one.field == field and one.variants is not None
        for variant in one.variants.values()
    ]
    return sorted({*(searched or [now]), *variants})
