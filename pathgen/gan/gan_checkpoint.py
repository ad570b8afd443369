"""Checkpoint of a trained pair: two safetensors files, and model.json to build the networks again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic
from numpy.typing import NDArray
from torch import nn

from pathgen.core.files import atomic_folder, write_json
from pathgen.core.params import parse_section
from pathgen.gan import generators
from pathgen.gan.generators.interface import Generator, GeneratorSettings
from pathgen.results.health_record import GeneratorHealth
from pathgen.results.record import Record
from pathgen.training.checkpoint import load_module, save_tensors

_META = "model.json"
_HINT = "Train it again, or restore it with dvc pull or dvc checkout"


@dataclass(frozen=True)
class TrainedGan:
    """Result of a training.

    Attributes:
        image_size: Side in px.
        generator: Generator in eval mode; its moving average if the recipe has one.
        discriminator: Discriminator in eval mode.
        history: Row per log interval: ``kimg`` and the means of the trainer's statistics.
        overfitting: Row per probe of held-out patches: ``kimg`` and the probe's metrics; empty without them.
        sample_grids: Thousands of images so far and the sample grid, uint8 (H, W, 3), of the same latents.
        meta: Recipe, compute, digest of the data and guarantee, for model.json.
        health: Whether the training converged.
    """

    image_size: int
    generator: nn.Module
    discriminator: nn.Module
    history: pd.DataFrame
    overfitting: pd.DataFrame
    sample_grids: list[tuple[float, NDArray[np.uint8]]]
    meta: dict[str, Any]
    health: GeneratorHealth


class CheckpointMeta(Record):
    """Content of model.json; further keys are those of `TrainedGan.meta`.

    Attributes:
        network: Name of the generator's module.
        image_size: Side in px.
        classes: Number of classes of a joint pair; 0: unconditional.
        label_index: The class that a joint pair draws and judges.
        recipe: Values of `settings`.
    """

    model_config = pydantic.ConfigDict(extra="allow")

    network: str
    image_size: int
    classes: int
    label_index: int
    recipe: dict[str, Any]

    @property
    def spec(self) -> Generator:
        """The generator's module."""
        return generators.load(self.network)

    @property
    def settings(self) -> GeneratorSettings:
        """The recipe."""
        return self.spec.settings.model_validate(self.recipe)


def save_gan(folder: Path, trained: TrainedGan, label: str, label_index: int = 0) -> None:
    """Write generator.safetensors, discriminator.safetensors and model.json, all or nothing.

    Args:
        folder: The folder, created or replaced.
        trained: Result of the training.
        label: Class that the checkpoint draws.
        label_index: Number of that class in a joint pair.
    """
    meta = {
        **trained.meta,
        "label": label,
        "label_index": label_index,
        "image_size": trained.image_size,
        "health": trained.health.as_json(),
        "parameters": {
            "generator": sum(weights.numel() for weights in trained.generator.parameters()),
            "discriminator": sum(weights.numel() for weights in trained.discriminator.parameters()),
        },
    }
    with atomic_folder(folder) as draft:
        save_tensors(draft / "generator.safetensors", trained.generator.state_dict())
        save_tensors(draft / "discriminator.safetensors", trained.discriminator.state_dict())
        write_json(draft / _META, meta)


def load_meta(folder: Path) -> CheckpointMeta:
    """Read model.json.

    Args:
        folder: Folder of `save_gan`.

    Raises:
        PathgenError: The file is missing, damaged, or names a generator that this version does not have.
    """
    path = folder / _META
    meta = CheckpointMeta.load(path)
    spec = generators.load(meta.network, f"{path}: network")
    parse_section({"recipe": meta.recipe}, "recipe", spec.settings, path)
    return meta


def load_networks(folder: Path, meta: CheckpointMeta, *, discriminator: bool = False) -> nn.Module:
    """Load the generator or the discriminator of `save_gan`, on the CPU and in eval mode.

    Args:
        folder: Folder of `save_gan`.
        meta: Its `load_meta`.
        discriminator: Whether to load the discriminator.

    Returns:
        Generator: latents (N, latent_dim) to images (N, 3, H, W) in about [-1, 1]. Discriminator: images to
        logits (N,).

    Raises:
        PathgenError: The file is missing, damaged, or does not fit model.json.
    """
    pair = meta.spec.networks(meta.settings, meta.image_size, meta.classes, meta.label_index)
    network = pair[1] if discriminator else pair[0]
    load_module(network, folder / f"{'discriminator' if discriminator else 'generator'}.safetensors", _HINT)
    return network.eval()


def load_discriminator(folder: Path) -> nn.Module:
    """Load the discriminator of a checkpoint (see `load_networks`)."""
    return load_networks(folder, load_meta(folder), discriminator=True)
