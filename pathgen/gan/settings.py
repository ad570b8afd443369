"""Settings of training generators and of drawing from them."""

from abc import abstractmethod
from typing import Any, Literal

import pydantic
from pydantic import Field

from pathgen.core.params import Settings
from pathgen.core.seeding import derive_seed

# Generators that learn all labels at once, and the networks that they share with those of one label.
_JOINT = {"cdcgan": "dcgan", "cstylegan2": "stylegan2"}


def networks_of(generator: str) -> str:
    """Return the name of a generator's networks, which is that of their settings: dcgan of cdcgan.2."""
    kind = generator.partition(".")[0]
    return _JOINT.get(kind, kind)


class NetworksSettings(Settings):
    """What the settings of all networks have; each says its own range and meaning of it."""

    batch_size: int

    @property
    @abstractmethod
    def options(self) -> dict[str, int]:
        """What the networks are built with, besides the image size."""

    def recipe(self, units: int) -> dict[str, Any]:
        """Return the numbers of the training, for the networks' recipe.

        Args:
            units: How many patches, or patients, a guarantee speaks of; counts for nothing without one.
        """
        return self.model_dump(exclude=set(self.options))


class DcganSettings(NetworksSettings):
    """The numbers of one DCGAN training; the paper's values in the descriptions."""

    width: int = Field(ge=4, le=512, description="Channels beside the image layers; paper: 64.")
    latent_dim: int = Field(ge=1, le=4096, description="Length of a latent vector; paper: 100.")
    batch_size: int = Field(ge=2, le=8192, description="Originals per step; paper: 256.")
    kimg: float = Field(
        gt=0.0, description="Thousands of originals shown; paper: 35.008 x 400 epochs = 14003.2."
    )
    lr_generator: float = Field(gt=0.0, le=1.0, description="Adam's step size; paper: 0.0002.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Adam's step size; paper: 0.0002.")
    beta1: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the mean gradient; paper: 0.5.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the squared gradient; paper: 0.999.")
    real_target: float = Field(
        gt=0.5, le=1.0, description="The discriminator's target for originals; below 1 smooths; paper: 1."
    )
    ema_decay: float = Field(
        ge=0.0, lt=1.0, description="Per step, of the kept moving average; 0: none; paper: 0."
    )

    @property
    def options(self) -> dict[str, int]:
        """What the networks are built with, besides the image size."""
        return {"width": self.width, "latent_dim": self.latent_dim}


class StyleGan2Settings(NetworksSettings):
    """The numbers of one StyleGAN2 training; the papers' values in the descriptions."""

    channel_base: int = Field(ge=32, le=65536, description="Channels x side of a layer; papers: 16384.")
    channel_max: int = Field(ge=4, le=2048, description="Channels of a layer at most; papers: 512.")
    latent_dim: int = Field(ge=1, le=4096, description="Length of z and of w; papers: 512.")
    mapping_layers: int = Field(ge=1, le=16, description="Layers from z to w; papers: 8, 2 for 32 px.")
    minibatch_group: int = Field(
        ge=1, le=1024, description="Images whose deviation the discriminator sees together; papers: 4."
    )
    batch_size: int = Field(ge=2, le=8192, description="Originals per step; papers: 64 up to 256 px.")
    kimg: float = Field(gt=0.0, description="Thousands of originals shown; papers: 25000.")
    lr_generator: float = Field(gt=0.0, le=1.0, description="Adam's step size; papers: 0.0025.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Adam's step size; papers: 0.0025.")
    beta1: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the mean gradient; papers: 0.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the squared gradient; papers: 0.99.")
    r1_gamma: float = Field(
        ge=0.0, description="Weight of the R1 penalty; 0: none; ADA paper: 0.0002 x side^2 / batch_size."
    )
    r1_interval: int = Field(ge=1, le=1000, description="Steps between two R1 penalties; papers: 16.")
    path_weight: float = Field(ge=0.0, description="Weight of the path length penalty; 0: none; paper: 2.")
    path_interval: int = Field(ge=1, le=1000, description="Steps between two of them; paper: 4.")
    path_decay: float = Field(
        gt=0.0, le=1.0, description="How far the mean path length moves to a batch's; paper: 0.01."
    )
    mixing: float = Field(
        ge=0.0, le=1.0, description="Chance that later styles come from a second latent; papers: 0.9."
    )
    ema_kimg: float = Field(
        gt=0.0, description="Thousands of images: half-life of the kept moving average; ADA paper: 20."
    )
    ema_ramp: float = Field(
        ge=0.0, le=1.0, description="That half-life is at most this share of the images so far; 0: no limit."
    )
    ada_target: float = Field(
        ge=0.0,
        lt=1.0,
        description="Mean sign of answers to originals that augmentation aims at; 0: none; paper: 0.6.",
    )
    ada_kimg: float = Field(
        gt=0.0, description="Thousands of images for the chance to go from 0 to 1; paper: 500."
    )

    @property
    def options(self) -> dict[str, int]:
        """What the networks are built with, besides the image size."""
        return {
            "channel_base": self.channel_base,
            "channel_max": self.channel_max,
            "latent_dim": self.latent_dim,
            "mapping_layers": self.mapping_layers,
            "minibatch_group": self.minibatch_group,
        }


class DpDcganSettings(NetworksSettings):
    """The numbers of one training of DCGAN with differential privacy."""

    unit: Literal["patch", "patient"] = Field(
        description="Whose presence among the originals of a class is hidden: one patch, or all patches of "
        "one patient (of one slide, where patients are not known)."
    )
    target_epsilon: float | None = Field(
        gt=0.0,
        description="What the training of one class may spend; null: no noise, and no guarantee.",
    )
    target_delta: float = Field(
        gt=0.0, lt=1.0, description="Chance that the guarantee fails; well below 1 / patches (patients)."
    )
    max_grad_norm: float = Field(
        gt=0.0, description="Norm to which the gradient of one patch (patient) is clipped."
    )
    patches_per_unit: int = Field(
        ge=1,
        le=1024,
        description="Patches of a drawn patient that its gradient is the mean of; 1 for patches.",
    )
    width: int = Field(ge=4, le=512, description="Channels beside the generator's image layer.")
    latent_dim: int = Field(ge=1, le=4096, description="Length of a latent vector.")
    discriminator_width: int = Field(
        ge=4, le=512, multiple_of=4, description="Channels after the discriminator's first layer."
    )
    batch_size: int = Field(
        ge=2, le=65536, description="Originals per step on average; each patch (patient) has its own coin."
    )
    kimg: float = Field(gt=0.0, description="Thousands of originals shown, on average.")
    discriminator_steps: int = Field(
        ge=1, le=1000, description="Steps of the discriminator to one of the generator."
    )
    lr_generator: float = Field(gt=0.0, le=1.0, description="Adam's step size.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Adam's step size.")
    beta1: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the mean gradient.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Adam's decay of the squared gradient.")
    real_target: float = Field(
        gt=0.5, le=1.0, description="The discriminator's target for originals; below 1 smooths."
    )
    ema_decay: float = Field(
        ge=0.0, lt=1.0, description="Per step of the generator, of the kept moving average; 0: none."
    )
    secret_file: str | None = Field(
        description="File of 32 random bytes that noise and draws come from, never handed out; null: they "
        "come from `train_gan.seed`, and the guarantee counts only towards those who do not know it."
    )

    @pydantic.model_validator(mode="after")
    def _batch_is_of_whole_units(self) -> "DpDcganSettings":
        if self.unit == "patch" and self.patches_per_unit != 1:
            raise ValueError("patches_per_unit must be 1 where the unit is a patch")
        if self.batch_size % self.patches_per_unit:
            raise ValueError("batch_size must be a multiple of patches_per_unit")
        return self

    @property
    def options(self) -> dict[str, int]:
        """What the networks are built with, besides the image size."""
        return {
            "width": self.width,
            "latent_dim": self.latent_dim,
            "discriminator_width": self.discriminator_width,
        }

    def recipe(self, units: int) -> dict[str, Any]:
        """Return the numbers of the training, see `PrivateRecipe`."""
        return {**super().recipe(units), "units": units}


class ConditionalSettings(Settings):
    """When a generator that learns all labels at once (`cdcgan`, `cstylegan2`) is told them."""

    unconditional_share: float = Field(
        ge=0.0, lt=1.0, description="Share of the training in which labels count for nothing."
    )
    ramp_share: float = Field(
        ge=0.0, le=1.0, description="Share after it in which they come to count fully; both together below 1."
    )

    @pydantic.model_validator(mode="after")
    def _labels_count_fully_before_the_end(self) -> "ConditionalSettings":
        if self.unconditional_share + self.ramp_share >= 1.0:
            raise ValueError("unconditional_share and ramp_share together leave no training with labels")
        return self


class TrainGanSettings(Settings):
    """Section `train_gan`: what all generators share, and one subsection for each."""

    seed: int = Field(ge=0, description="Of weights, order, turns and noise.")
    augment: Literal["none", "d4"] = Field(
        description="d4: originals turned by quarter turns and mirrored at random; paper: none."
    )
    snapshot_every_kimg: float = Field(
        gt=0.0, description="Thousands of images between two snapshots; changes no result."
    )
    conditional: ConditionalSettings
    dcgan: DcganSettings
    stylegan2: StyleGan2Settings
    dpdcgan: DpDcganSettings

    def of(self, generator: str) -> DcganSettings | StyleGan2Settings | DpDcganSettings:
        """Return the settings of a generator's networks, see `networks_of`."""
        own: DcganSettings | StyleGan2Settings | DpDcganSettings = getattr(self, networks_of(generator))
        return own

    def seed_of(self, generator: str) -> int:
        """Return the seed of a generator: `seed`, or for a replicate such as dcgan.2 one derived from it."""
        replicate = generator.partition(".")[2]
        return derive_seed(self.seed, "replicate", replicate) if replicate else self.seed


class StyleGan2DrawingSettings(Settings):
    """How patches are drawn from a StyleGAN2."""

    truncation_psi: float = Field(
        ge=0.0, le=2.0, description="1: all that was learned; below: less varied, nearer to the mean."
    )
    noise: Literal["random", "fixed", "none"] = Field(
        description="Noise of the layers: random for each patch, the same stored one for all, or none."
    )


class SynthesiseSettings(Settings):
    """Section `synthesise`: what to draw from each trained generator."""

    seed: int = Field(ge=0, description="Of the latents.")
    per_class: int = Field(ge=1, description="Patches per label; paper: 35008.")
    batch_size: int = Field(ge=1, le=65536, description="Patches written at a time; changes no result.")
    best_of: int = Field(
        ge=1,
        le=64,
        description="Candidates for each patch, of which the discriminator, which knows the originals, takes "
        "one; 1: no choice. More is marked in the set, the privacy audit and the report.",
    )
    stylegan2: StyleGan2DrawingSettings

    def drawing(self, generator: str) -> dict[str, object]:
        """Return the settings that only this generator has, by name."""
        own = getattr(self, networks_of(generator), None)
        return {} if own is None else own.model_dump()
