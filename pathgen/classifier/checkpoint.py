"""A trained classifier on disk: ``model.safetensors`` beside ``model.json``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from pathgen.classifier.discovery import network_names
from pathgen.classifier.loop import TrainedClassifier
from pathgen.classifier.registry import build_network
from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, write_json
from pathgen.core.labels import LABELS
from pathgen.training.checkpoint import load_module, save_tensors

WEIGHTS_FILE = "model.safetensors"
FACTS_FILE = "model.json"
_HINT = "Train the classifier again, or pull it"


def save_classifier(folder: Path, trained: TrainedClassifier, facts: Mapping[str, Any]) -> None:
    """Write a trained classifier; the same classifier gives the same bytes.

    Args:
        folder: Its folder; replaced when complete.
        trained: The classifier.
        facts: What else to say in ``model.json``, e.g. classifier, regime and seed; plain JSON values.
    """
    own = {
        "kind": "classifier",
        "network": trained.classifier,
        "image_size_px": trained.image_size_px,
        "labels": list(LABELS),
        "input": "RGB, float32 (N, 3, H, W), (value / 255 - 0.5) / 0.5",
        "output": "log-probabilities (N, 2), in the order of labels",
        "weights": sum(weight.numel() for weight in trained.model.parameters()),
        "best_epoch": trained.best_epoch,
        "epochs": len(trained.history),
    }
    if trained.fresh is not None:
        own["not_pretrained"] = trained.fresh
    repeated = own.keys() & facts.keys()
    assert not repeated, f"said twice: {sorted(repeated)}"
    with atomic_folder(folder) as draft:
        save_tensors(draft / WEIGHTS_FILE, trained.model.state_dict())
        write_json(draft / FACTS_FILE, {**own, **facts})


def load_facts(folder: Path) -> dict[str, Any]:
    """Read what ``model.json`` says of a classifier.

    Args:
        folder: Where `save_classifier` wrote it.

    Returns:
        The facts; at least ``network`` and ``image_size_px``.

    Raises:
        PathgenError: The file is missing or damaged, or names a network this version does not know.
    """
    facts_path = folder / FACTS_FILE
    try:
        facts = json.loads(facts_path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise PathgenError(facts_path, f"cannot be read: {problem.strerror}", _HINT) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise PathgenError(facts_path, f"not JSON: {problem}", _HINT) from None
    known = isinstance(facts, dict) and facts.get("network") in network_names()
    if not known or not isinstance(facts.get("image_size_px"), int):
        raise PathgenError(facts_path, "does not name a known network and its image_size_px", _HINT)
    return dict(facts)


def load_classifier(folder: Path) -> nn.Module:
    """Read a trained classifier.

    Args:
        folder: Where `save_classifier` wrote it.

    Returns:
        The network with its best weights, on the CPU, in evaluation mode.

    Raises:
        PathgenError: A file is missing or damaged, or the two do not belong together.
    """
    facts = load_facts(folder)
    model = build_network(facts["network"], facts["image_size_px"])
    load_module(model, folder / WEIGHTS_FILE, _HINT)
    return model.eval()
