"""Checkpoint of a classifier: ``model.safetensors`` and ``model.json``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
from torch import nn

from pathgen.classifier.classifier_loop import TrainedClassifier
from pathgen.classifier.registry import build_classifier
from pathgen.core.files import atomic_folder, write_json
from pathgen.core.labels import LABELS
from pathgen.results.health_record import ClassifierHealth
from pathgen.results.record import Record
from pathgen.training.checkpoint import load_module, save_tensors

WEIGHTS_FILE = "model.safetensors"
METADATA_FILE = "model.json"


def save_classifier(folder: Path, trained: TrainedClassifier, metadata: Mapping[str, Any]) -> None:
    """Write a checkpoint; the same classifier gives the same bytes.

    Args:
        folder: Folder of the checkpoint; replaced when the new one is complete.
        trained: Trained classifier.
        metadata: Further keys of ``model.json``, e.g. classifier, regime and seed; plain JSON values.
    """
    own = {
        "kind": "classifier",
        "network": trained.network,
        "image_size_px": trained.image_size_px,
        "labels": list(LABELS),
        "input": "RGB, float32 (N, 3, H, W), (value / 255 - 0.5) / 0.5",
        "output": "log-probabilities (N, 2), in the order of labels",
        "weights": sum(weight.numel() for weight in trained.model.parameters()),
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
        "health": trained.health.as_json(),
    }
    if trained.fresh is not None:
        own["not_pretrained"] = trained.fresh
    repeated = own.keys() & metadata.keys()
    assert not repeated, f"keys of the checkpoint itself: {sorted(repeated)}"
    with atomic_folder(folder) as draft:
        save_tensors(draft / WEIGHTS_FILE, trained.model.state_dict())
        write_json(draft / METADATA_FILE, {**own, **metadata})


class _Metadata(Record):
    """``model.json``; further keys are those of `save_classifier`."""

    model_config = pydantic.ConfigDict(extra="allow")

    network: str
    image_size_px: int
    health: ClassifierHealth


def load_metadata(folder: Path) -> dict[str, Any]:
    """Read ``model.json``.

    Args:
        folder: Folder of the checkpoint.

    Returns:
        The metadata; at least ``network``, ``image_size_px`` and ``health``.

    Raises:
        PathgenError: The file is missing or damaged.
    """
    return _Metadata.load(folder / METADATA_FILE).model_dump()


def load_classifier(folder: Path) -> nn.Module:
    """Load a classifier.

    Args:
        folder: Folder of the checkpoint.

    Returns:
        The network with its best weights, on the CPU, in evaluation mode.

    Raises:
        PathgenError: A file is missing or damaged, the network is unknown, or the two do not match.
    """
    metadata = load_metadata(folder)
    model = build_classifier(metadata["network"], metadata["image_size_px"], seed=0)
    load_module(model, folder / WEIGHTS_FILE, "Train the classifier again, or pull it")
    return model.eval()
