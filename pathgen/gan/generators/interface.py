"""What the module of a generator provides: settings, networks, trainer and sampler, as one `Generator`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import pydantic
import torch
from pydantic import Field
from torch import nn

from pathgen.core.params import Settings
from pathgen.core.seeding import derive_seed
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.training.compute import memory_format


@dataclass(frozen=True)
class Study:
    """Facts about the study that a recipe must fit, known before any patch is read.

    Attributes:
        train_patches: Number of training patches per label.
        slides_known: Whether the source names slides or patients.
    """

    train_patches: int
    slides_known: bool


class GeneratorSettings(Settings):
    """Settings of every recipe; `seed` and `augment` default to those of section `train_gan`."""

    supports_joint: ClassVar[bool] = False

    network: str = Field(description="Module in `pathgen/gan/generators`.")
    seed: int = Field(ge=0, description="Seed of weights, order, augmentation and noise.")
    augment: Literal["none", "d4"] = Field(
        description="Augmentation of originals. d4: random quarter turns and flips; paper: none."
    )
    conditioning: Literal["per_label", "joint"] = Field(
        default="per_label",
        description="per_label: one pair of networks for each label. joint: one class-conditional pair.",
    )
    unconditional_share: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="joint: share of the training before the class condition."
    )
    ramp_share: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="joint: share, after that, in which its weight rises to 1."
    )
    latent_dim: int = Field(ge=1, le=4096, description="Length of a latent vector z.")
    batch_size: int = Field(ge=2, le=65536, description="Original patches per step.")
    kimg: float = Field(gt=0.0, description="Length of the training in thousands of original patches.")

    @pydantic.model_validator(mode="after")
    def _condition_reaches_full_weight(self) -> "GeneratorSettings":
        if self.unconditional_share + self.ramp_share >= 1.0:
            raise ValueError("unconditional_share + ramp_share must be below 1")
        return self

    @property
    def steps(self) -> int:
        """Number of training steps; the last one completes `kimg`."""
        return max(1, -int(-self.kimg * 1000 // self.batch_size))

    def condition_weight(self, step: int) -> float:
        """Return the weight of the class condition at a step, which rises from 0 to 1."""
        begin, length = self.unconditional_share * self.steps, self.ramp_share * self.steps
        return min(max((step - begin) / max(length, 1.0), 0.0), 1.0)

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """Check the recipe against the study.

        Args:
            study: Facts about the study.

        Yields:
            Field, reason and hint of each problem.
        """
        if self.conditioning == "joint" and not self.supports_joint:
            yield (
                "conditioning",
                f"is joint, but {self.network} has no class condition",
                "Set it to per_label",
            )


class SamplingSettings(Settings):
    """Settings of sampling for a generator that has none."""


@dataclass(frozen=True)
class Precision:
    """Arithmetic of training or sampling.

    Attributes:
        dtype: ``fp32``, or ``bf16``: convolutions and matrix products in bfloat16.
        channels_last: Whether images lie as (N, H, W, C) in memory.
    """

    dtype: str = "fp32"
    channels_last: bool = False

    @property
    def bf16(self) -> bool:
        """Whether convolutions and matrix products are in bfloat16."""
        return self.dtype == "bf16"

    @property
    def memory_format(self) -> torch.memory_format:
        """Memory format of images and convolution weights."""
        return memory_format(channels_last=self.channels_last)

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the autocast context of a device."""
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bf16)


FP32 = Precision()


class Sampler(Protocol):
    """Maps one block of latents to images."""

    def __call__(
        self, g: nn.Module, z: torch.Tensor, rng: torch.Generator, c: ClassCondition | None = None
    ) -> torch.Tensor:
        """Sample.

        Args:
            g: Generator in eval mode.
            z: Latents (N, latent_dim).
            rng: Source of further random numbers of the block.
            c: Class condition; None: the class that a conditional generator was loaded for.

        Returns:
            Images (N, 3, H, W), about [-1, 1].
        """


class Loader(Protocol):
    """Original patches of a training, readable at any step without the steps before."""

    def batch(self, step: int) -> torch.Tensor:
        """Return the images of one step, as the trainer takes them."""

    def rows(self, step: int) -> torch.Tensor:
        """Return the indices of these images, int64 on the CPU."""


class PrivacyAccountant(Protocol):
    """Differential-privacy guarantee of one training."""

    def guarantee(self) -> dict[str, Any]:
        """Return the entry ``privacy`` of model.json."""

    def metrics(self, step: int) -> dict[str, float]:
        """Return the privacy loss after a number of steps; the same keys at each step."""


class Stateful(Protocol):
    """State that belongs in a snapshot: a network, an optimiser, a running mean."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: dict[str, Any], /) -> Any:
        """Restore a state."""


@dataclass
class GanPair:
    """Networks and optimisers of a training, and their snapshot.

    Attributes:
        g: Generator.
        d: Discriminator.
        opt_g: Optimiser of `g`.
        opt_d: Optimiser of `d`.
        g_ema: Exponential moving average of `g`; None without one.
        extra: Further state that steps change, by name.
    """

    g: nn.Module
    d: nn.Module
    opt_g: torch.optim.Optimizer
    opt_d: torch.optim.Optimizer
    g_ema: nn.Module | None = None
    extra: dict[str, Stateful] = field(default_factory=dict)

    @property
    def g_final(self) -> nn.Module:
        """The generator to keep: the moving average if there is one."""
        return self.g if self.g_ema is None else self.g_ema

    def is_finite(self) -> bool:
        """Return whether all weights and running statistics are finite."""
        tensors = [tensor for network in (self.g, self.d) for tensor in network.state_dict().values()]
        return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = {"g": self.g, "d": self.d, "opt_g": self.opt_g, "opt_d": self.opt_d}
        return parts | ({} if self.g_ema is None else {"g_ema": self.g_ema}) | self.extra

    def state(self) -> dict[str, dict[str, Any]]:
        """Return the state of each part by its name."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def restore(self, state: Mapping[str, dict[str, Any]]) -> None:
        """Restore what `state` returned for a pair of the same settings."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])


class GanTrainer(Protocol):
    """One training step of a pair of networks."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """Keys of what `step` returns."""

    @property
    def pair(self) -> GanPair:
        """Networks and optimisers."""

    def step(
        self, real: torch.Tensor, z: torch.Tensor, *, step: int, c: ClassCondition | None = None
    ) -> dict[str, torch.Tensor]:
        """Train on one batch.

        Args:
            real: Original images, as the generator's loader returns them.
            z: Latents (batch_size, latent_dim), standard normal.
            step: Number of the step, from 0.
            c: Class condition of `real`, used for the generated images too; None: unconditional.

        Returns:
            Each of `statistics` as a detached scalar on the device.
        """


@dataclass(frozen=True)
class Generator:
    """All that a generator is made of.

    Attributes:
        settings: Settings class of its recipes.
        build_generator: ``(settings, image_size)`` to a module that maps latents (N, latent_dim) to images
            (N, 3, H, W) in about [-1, 1] and has an attribute ``latent_dim``. Called with ``classes`` and
            ``label`` too if the recipe is joint.
        build_discriminator: The same arguments to a module that maps images to logits (N,); in eval mode
            each image on its own.
        init_weights: Draws every weight of a network from a seed.
        trainer: ``(g, d, settings, data, device=, precision=)`` to the training step.
        loader: ``(data, settings, device)`` to the batches of original patches.
        description: The network in a few words, for model.json and the report.
        sampling: Settings class of sampling.
        sampler: Sampling settings to a `Sampler`.
        accountant: ``(settings, data)`` to the differential-privacy accountant; None without a guarantee.
        metrics: Meaning of each metric that only this generator logs, by key.
    """

    settings: type[GeneratorSettings]
    build_generator: Callable[..., nn.Module]
    build_discriminator: Callable[..., nn.Module]
    init_weights: Callable[[nn.Module, int], None]
    trainer: Callable[..., GanTrainer]
    loader: Callable[[GanDataset, Any, torch.device], Loader]
    description: str
    sampling: type[SamplingSettings] = SamplingSettings
    sampler: Callable[[Any], Sampler] = lambda _: sample_plain
    accountant: Callable[[Any, GanDataset], PrivacyAccountant] | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)

    def networks(
        self, settings: GeneratorSettings, image_size: int, classes: int = 0, label: int = 0
    ) -> tuple[nn.Module, nn.Module]:
        """Build generator and discriminator, without drawing their weights.

        Args:
            settings: The recipe.
            image_size: Side in px, a power of two from 8.
            classes: Number of classes of a joint recipe; 0: unconditional.
            label: The class that a conditional pair draws and judges unless a condition is passed.
        """
        condition = {"classes": classes, "label": label} if classes else {}
        return (
            self.build_generator(settings, image_size, **condition),
            self.build_discriminator(settings, image_size, **condition),
        )

    def initialised(
        self, settings: GeneratorSettings, image_size: int, classes: int = 0
    ) -> tuple[nn.Module, nn.Module]:
        """Build generator and discriminator, and draw their weights from the recipe's seed."""
        g, d = self.networks(settings, image_size, classes)
        self.init_weights(g, derive_seed(settings.seed, "generator"))
        self.init_weights(d, derive_seed(settings.seed, "discriminator"))
        return g, d


def sample_plain(
    g: nn.Module, z: torch.Tensor, rng: torch.Generator, c: ClassCondition | None = None
) -> torch.Tensor:
    """Sample from a generator that takes latents, and a class condition if it has one (see `Sampler`)."""
    images: torch.Tensor = g(z) if c is None else g(z, c)
    return images
