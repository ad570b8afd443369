"""A trained generator, loaded from its checkpoint, that samples patches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.errors import PathgenError
from pathgen.core.params import parse_section
from pathgen.gan.gan_checkpoint import CheckpointMeta, load_discriminator, load_meta, load_networks
from pathgen.gan.generators.interface import FP32, Precision, Sampler
from pathgen.gan.settings import SynthesiseSettings
from pathgen.gan.synthesis import BLOCK, synthesise


@dataclass(frozen=True)
class SamplePlan:
    """What patches of a generator depend on, besides the checkpoint and the machine.

    Patch i depends only on these and on i: a larger sample begins with the smaller one.

    Attributes:
        seed: Seed of the latents.
        best_of: Number of candidates per patch, of which the discriminator chooses one; 1: no choice. The
            discriminator has learned from original patches: its choice may leak more of them.
        sampling: Sampling settings of the generator, e.g. `truncation_psi` and `noise` of StyleGAN2.
        precision: Arithmetic of the sampling.
    """

    seed: int
    best_of: int = 1
    sampling: Mapping[str, object] = field(default_factory=dict)
    precision: Precision = FP32

    @classmethod
    def of(cls, settings: SynthesiseSettings, generator: str, precision: Precision) -> "SamplePlan":
        """Return the plan of the stage ``synthesise`` for a generator."""
        return cls(settings.seed, settings.best_of, settings.sampling.get(generator, {}), precision)


@dataclass(frozen=True)
class LoadedGenerator:
    """A trained generator.

    Attributes:
        checkpoint: Folder of the checkpoint.
        meta: Content of model.json.
        network: Generator network in eval mode.
        device: Device of the sampling.
    """

    checkpoint: Path
    meta: CheckpointMeta
    network: nn.Module
    device: torch.device

    def sample(self, count: int, *, seed: int, best_of: int = 1, **sampling: object) -> NDArray[np.uint8]:
        """Sample patches into memory, in float32 (see `SamplePlan`).

        The patches equal those of the stage ``synthesise`` with the same settings and
        ``compute.precision: fp32`` (on the same machine, with the same number of threads).

        Args:
            count: Number of patches.
            seed: Seed of the latents.
            best_of: Number of candidates per patch.
            sampling: Sampling settings of the generator.

        Returns:
            uint8 (count, H, W, 3), RGB.

        Raises:
            PathgenError: A setting does not exist or is out of range.
        """
        if count < 1:
            raise PathgenError("count", f"is {count}", "Set it to 1 or more")
        patches = np.empty((count, self.meta.image_size, self.meta.image_size, 3), dtype=np.uint8)
        for number, block in enumerate(self.blocks(SamplePlan(seed, best_of, sampling), count)):
            patches[number * BLOCK : number * BLOCK + len(block)] = block
        return patches

    def blocks(self, plan: SamplePlan, count: int, first: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Sample patch number `first`, a multiple of `BLOCK`, to `count` - 1 in blocks (see `synthesise`)."""
        if plan.best_of < 1:
            raise PathgenError("best_of", f"is {plan.best_of}", "Set it to 1 for no choice, or higher")
        discriminator = load_discriminator(self.checkpoint) if plan.best_of > 1 else None
        return synthesise(
            self.network,
            seed=plan.seed,
            count=count,
            device=self.device,
            sampler=self._sampler(plan.sampling),
            discriminator=discriminator,
            best_of=plan.best_of,
            precision=plan.precision,
            first=first,
        )

    def _sampler(self, sampling: Mapping[str, object]) -> Sampler:
        spec = self.meta.spec
        settings = parse_section({"sampling": dict(sampling)}, "sampling", spec.sampling, self.checkpoint)
        return spec.sampler(settings)


def load_generator(checkpoint: str | Path, *, device: str | torch.device = "cpu") -> LoadedGenerator:
    """Load a trained generator, in any program.

    Args:
        checkpoint: Folder of a checkpoint, e.g. ``models/gan/dcgan/1/tumor``.
        device: Device of the sampling, e.g. ``cuda``. Another device rounds differently.

    Returns:
        The generator; call `LoadedGenerator.sample`.

    Raises:
        PathgenError: A file is missing or damaged, or does not fit the network.
    """
    folder = Path(checkpoint)
    meta = load_meta(folder)
    return LoadedGenerator(folder, meta, load_networks(folder, meta), torch.device(device))
