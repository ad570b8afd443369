"""Small generators: recipes, data, trainings and checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray

from factories.training import HEALTHY
from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.adversarial_trainer import AdversarialTrainer
from pathgen.gan.dataset import GanDataset
from pathgen.gan.gan_checkpoint import TrainedGan, save_gan
from pathgen.gan.generators.interface import GeneratorSettings, Precision
from pathgen.gan.loop import train_generator
from pathgen.gan.settings import SynthesiseSettings

CPU = torch.device("cpu")
SIDE = 16
_SHARED = {"seed": 1, "augment": "d4", "batch_size": 8, "latent_dim": 8}
RECIPES: dict[str, dict[str, Any]] = {
    "dcgan": {
        **_SHARED,
        "network": "dcgan",
        "width": 8,
        "kimg": 0.8,
        "lr_generator": 2e-4,
        "lr_discriminator": 2e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "real_target": 0.9,
        "ema_decay": 0.99,
    },
    # Penalties, updates of the augmentation and snapshots (every 6 steps) fall on different steps.
    "stylegan2": {
        **_SHARED,
        "network": "stylegan2",
        "channel_base": 64,
        "channel_max": 8,
        "mapping_layers": 2,
        "minibatch_group": 4,
        "kimg": 0.24,
        "lr_generator": 2e-3,
        "lr_discriminator": 2e-3,
        "beta1": 0.0,
        "beta2": 0.99,
        "r1_gamma": 0.1,
        "r1_interval": 5,
        "path_weight": 2.0,
        "path_interval": 4,
        "path_decay": 0.01,
        "mixing": 0.9,
        "ema_kimg": 0.1,
        "ema_ramp": 0.05,
        "ada_target": 0.1,
        "ada_kimg": 0.1,
    },
    # Steps of the generator and snapshots (every 6 steps) fall on different steps.
    "dpdcgan": {
        **_SHARED,
        "network": "dpdcgan",
        "width": 8,
        "discriminator_width": 8,
        "unit": "patch",
        "target_epsilon": 10.0,
        "target_delta": 1e-5,
        "max_grad_norm": 1.0,
        "patches_per_unit": 1,
        "kimg": 0.16,
        "discriminator_steps": 4,
        "lr_generator": 2e-3,
        "lr_discriminator": 2e-3,
        "beta1": 0.5,
        "beta2": 0.999,
        "real_target": 0.9,
        "ema_decay": 0.9,
        "secret_file": None,
    },
}
JOINT = {"conditioning": "joint", "unconditional_share": 0.3, "ramp_share": 0.2}
IMAGES = np.random.default_rng(1).integers(0, 256, (30, SIDE, SIDE, 3), dtype=np.uint8)
HELD_OUT = np.random.default_rng(2).integers(0, 256, (30, SIDE, SIDE, 3), dtype=np.uint8)

S = TypeVar("S", bound=GeneratorSettings)


def recipe(network: str, **changes: Any) -> Any:
    """Return the small recipe of a network, with changes."""
    return generators.load(network).settings.model_validate(RECIPES[network] | changes)


def changed(settings: S, **changes: Any) -> S:
    """Return a recipe with changes."""
    return type(settings).model_validate(settings.model_dump() | changes)


DCGAN = recipe("dcgan")
STYLEGAN2 = recipe("stylegan2")
DPDCGAN = recipe("dpdcgan")


def dataset(
    images: NDArray[np.uint8] = IMAGES,
    held_out: NDArray[np.uint8] | None = None,
    labels: NDArray[np.int64] | None = None,
    index: pd.DataFrame | None = None,
) -> GanDataset:
    """Return a dataset; without `held_out` there are no probes."""
    held_out = images[:0] if held_out is None else held_out
    return GanDataset(images, held_out, index, index is not None, labels, labels)


def train(settings: GeneratorSettings, data: GanDataset | None = None, **options: Any) -> TrainedGan:
    """Train on the CPU."""
    defaults = {
        "device": CPU,
        "precision": Precision("fp32", channels_last=True),
        "snapshot_every_kimg": 0.05,
    }
    return train_generator(dataset() if data is None else data, settings, **defaults | options)


def build_trainer(settings: GeneratorSettings, *, bf16: bool = False, data: GanDataset | None = None) -> Any:
    """Build a trainer with initial weights."""
    spec = generators.load(settings.network)
    precision = Precision("bf16" if bf16 else "fp32", channels_last=True)
    networks = spec.initialised(settings, SIDE)
    return spec.trainer(*networks, settings, data or dataset(), device=CPU, precision=precision)


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random originals and latents of one step."""
    rng = torch_generator(9, step)
    return torch.rand(8, 3, SIDE, SIDE, generator=rng) * 2 - 1, torch.randn(8, 8, generator=rng)


def hook_steps(
    monkeypatch: pytest.MonkeyPatch,
    before: Callable[..., object] = lambda step, real, z, c: None,
    after: Callable[..., dict[str, torch.Tensor]] = lambda step, told: told,
) -> None:
    """Call `before` ahead of each step of DCGAN's trainer; what `after` returns are its statistics."""
    whole = AdversarialTrainer.step

    def hooked(self: Any, real: torch.Tensor, z: torch.Tensor, *, step: int, c: Any) -> Any:
        before(step, real, z, c)
        return after(step, whole(self, real, z, step=step, c=c))

    monkeypatch.setattr(AdversarialTrainer, "step", hooked)


def stored(folder: Path) -> Any:
    """Return the state in a snapshot, whatever its key."""
    return torch.load(folder / "snapshot.pt", weights_only=True)["state"]


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Return whether weights, running statistics and counters of two networks are equal."""
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(map(torch.equal, *(s.values() for s in states)))


def synthesise_settings(**changes: Any) -> SynthesiseSettings:
    """Return settings of `synthesise` without a choice, with changes; `seed` and `per_class` are required."""
    return SynthesiseSettings(**{"batch_size": 64, "best_of": 1} | changes)


def save_untrained(folder: Path, network: str, seed: int = 1, **changes: Any) -> Path:
    """Save a pair that was never trained but whose samples differ."""
    settings = recipe(network, latent_dim=6, seed=seed, **changes)
    spec = generators.load(network)
    classes = 2 if settings.conditioning == "joint" else 0
    g, d = spec.networks(settings, SIDE, classes)
    for one in (g, d):
        spec.init_weights(one, seed)
    for step in range(20):  # BatchNorm statistics: without them every patch is nearly grey.
        d(g(torch.randn(64, 6, generator=torch_generator(seed, step))))
    meta = {"network": network, "recipe": settings.model_dump(), "classes": classes}
    empty = pd.DataFrame()
    trained = TrainedGan(SIDE, g.eval(), d.eval(), empty, empty, [], meta, HEALTHY)
    save_gan(folder, trained, "tumor")
    return folder
