"""Settings of training generators and of drawing from them."""

from typing import Literal

from pydantic import Field

from pathgen.params import Settings


class DcganSettings(Settings):
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


class TrainGanSettings(Settings):
    """Section `train_gan`: what all generators share, and one subsection for each."""

    seed: int = Field(ge=0, description="Of weights, order, turns and noise.")
    augment: Literal["none", "d4"] = Field(
        description="d4: originals turned by quarter turns and mirrored at random; paper: none."
    )
    snapshot_every_kimg: float = Field(
        gt=0.0, description="Thousands of images between two snapshots; changes no result."
    )
    dcgan: DcganSettings


class SynthesiseSettings(Settings):
    """Section `synthesise`: what to draw from each trained generator."""

    seed: int = Field(ge=0, description="Of the latents.")
    per_class: int = Field(ge=1, description="Patches per label; paper: 35008.")
    batch_size: int = Field(ge=1, le=65536, description="Patches written at a time; changes no result.")
