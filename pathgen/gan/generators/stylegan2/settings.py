"""Settings of a StyleGAN2 recipe; the papers' values in the descriptions."""

from typing import ClassVar, Literal

from pydantic import Field

from pathgen.gan.generators.interface import GeneratorSettings, SamplingSettings


class StyleGan2Settings(GeneratorSettings):
    """Recipe of a StyleGAN2 (papers: latent_dim 512, batch_size 64 up to 256 px, kimg 25000)."""

    supports_joint: ClassVar[bool] = True

    network: Literal["stylegan2"]
    channel_base: int = Field(ge=32, le=65536, description="Channels x side of a layer; papers: 16384.")
    channel_max: int = Field(ge=4, le=2048, description="Maximum number of channels; papers: 512.")
    mapping_layers: int = Field(ge=1, le=16, description="Layers from z to w; papers: 8, 2 for 32 px.")
    minibatch_group: int = Field(
        ge=1, le=1024, description="Images per group of the minibatch standard deviation; papers: 4."
    )
    lr_generator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; papers: 0.0025.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; papers: 0.0025.")
    beta1: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's first moment; papers: 0.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's second moment; papers: 0.99.")
    r1_gamma: float = Field(
        ge=0.0, description="Weight of the R1 penalty; 0: none; ADA paper: 0.0002 x side^2 / batch_size."
    )
    r1_interval: int = Field(ge=1, le=1000, description="Steps between two R1 penalties; papers: 16.")
    path_weight: float = Field(ge=0.0, description="Weight of the path length penalty; 0: none; paper: 2.")
    path_interval: int = Field(
        ge=1, le=1000, description="Steps between two path length penalties; paper: 4."
    )
    path_decay: float = Field(
        gt=0.0, le=1.0, description="Weight of a batch in the running mean path length; paper: 0.01."
    )
    mixing: float = Field(ge=0.0, le=1.0, description="Probability of style mixing; papers: 0.9.")
    ema_kimg: float = Field(
        gt=0.0, description="Half-life of the moving average in thousands of images; ADA paper: 20."
    )
    ema_ramp: float = Field(
        ge=0.0, le=1.0, description="Upper limit of that half-life as a share of the images so far; 0: none."
    )
    ada_target: float = Field(
        ge=0.0,
        lt=1.0,
        description="Target of adaptive augmentation for the mean sign of real logits; 0: none; paper: 0.6.",
    )
    ada_kimg: float = Field(
        gt=0.0, description="Thousands of images for the probability to rise from 0 to 1; paper: 500."
    )

    def ema_decay_at(self, step: int) -> float:
        """Return the decay of the moving average at a step: ``0.5 ** (batch_size / half-life)``.

        It is 0 before the first image, so that the average begins as a copy.

        Source: Karras et al. 2018 (arXiv 1710.10196, section 4) for the average, ADA (arXiv 2006.06676,
        appendix C) for its ramp on small data sets.
        """
        half_life = self.ema_kimg * 1000.0
        if self.ema_ramp:
            half_life = min(half_life, step * self.batch_size * self.ema_ramp)
        return float(0.5 ** (self.batch_size / max(half_life, 1e-8)))


class StyleGan2Sampling(SamplingSettings):
    """Sampling from a StyleGAN2."""

    truncation_psi: float = Field(
        default=1.0, ge=0.0, le=2.0, description="Truncation; 1: none, 0: the mean image."
    )
    noise: Literal["random", "fixed", "none"] = Field(
        default="random",
        description="Noise of the layers: random for each patch, the stored one for all, or none.",
    )
