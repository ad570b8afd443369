"""A trained pair on disk: two safetensors files and a JSON that says how to build the networks again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, write_json
from pathgen.gan.registry import GENERATORS
from pathgen.gan.result import TrainedGan
from pathgen.training.checkpoint import load_module, save_tensors

_CARD = "model.json"
_HINT = "Train it again, or restore it with dvc pull or dvc checkout"


@dataclass(frozen=True)
class CheckpointMeta:
    """What model.json tells.

    Attributes:
        architecture: Name in `GENERATORS`.
        options: What the networks are built with, besides the image size.
        image_size: Side in px.
        facts: All of model.json: recipe, digest of the data, and what the caller of `save_gan` added.
    """

    architecture: str
    options: dict[str, int]
    image_size: int
    facts: dict[str, Any]


def save_gan(folder: Path, trained: TrainedGan, facts: Mapping[str, Any]) -> None:
    """Write generator.safetensors, discriminator.safetensors and model.json, all or nothing.

    Args:
        folder: Taken as it is or made; older content goes.
        trained: The pair.
        facts: More for model.json, as JSON knows it, e.g. the label; nothing that differs between equal runs.
    """
    card = {
        **trained.facts,
        **facts,
        "architecture": trained.architecture,
        "options": trained.options,
        "image_size": trained.image_size,
        "parameters": {
            "generator": sum(weights.numel() for weights in trained.generator.parameters()),
            "discriminator": sum(weights.numel() for weights in trained.discriminator.parameters()),
        },
    }
    with atomic_folder(folder) as draft:
        save_tensors(draft / "generator.safetensors", trained.generator.state_dict())
        save_tensors(draft / "discriminator.safetensors", trained.discriminator.state_dict())
        write_json(draft / _CARD, card)


def load_meta(folder: Path) -> CheckpointMeta:
    """Read model.json.

    Args:
        folder: Of `save_gan`.

    Returns:
        What it tells.

    Raises:
        PathgenError: It is missing, damaged, or names a generator this version does not know.
    """
    path = folder / _CARD
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        card = CheckpointMeta(
            str(facts["architecture"]), dict(facts["options"]), int(facts["image_size"]), facts
        )
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", _HINT) from None
    except (ValueError, KeyError, TypeError) as problem:
        raise PathgenError(path, f"not a generator's model.json ({problem!r})", _HINT) from None
    if card.architecture not in GENERATORS:
        known = ", ".join(sorted(GENERATORS))
        raise PathgenError(path, f"unknown generator {card.architecture!r}", f"This version knows: {known}")
    return card


def load_generator(folder: Path) -> nn.Module:
    """Load the generator of `save_gan`, on the CPU and in eval mode.

    Args:
        folder: Of `save_gan`.

    Returns:
        Latents (N, latent_dim) to images (N, 3, H, W) in [-1, 1].

    Raises:
        PathgenError: A file is missing or damaged, or the two do not belong together.
    """
    card = load_meta(folder)
    return _load(GENERATORS[card.architecture].generator, card, folder / "generator.safetensors")


def load_discriminator(folder: Path) -> nn.Module:
    """Load the discriminator of `save_gan`, on the CPU and in eval mode.

    Args:
        folder: Of `save_gan`.

    Returns:
        Images (N, 3, H, W) in [-1, 1] to logits (N,).

    Raises:
        PathgenError: A file is missing or damaged, or the two do not belong together.
    """
    card = load_meta(folder)
    return _load(GENERATORS[card.architecture].discriminator, card, folder / "discriminator.safetensors")


def _load(build: Callable[..., nn.Module], card: CheckpointMeta, path: Path) -> nn.Module:
    try:
        network = build(image_size=card.image_size, **card.options)
    except TypeError as problem:
        raise PathgenError(path.parent / _CARD, f"options do not fit ({problem})", _HINT) from None
    load_module(network, path, _HINT)
    return network.eval()
