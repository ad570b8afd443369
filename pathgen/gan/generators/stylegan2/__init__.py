"""StyleGAN2 for small images, with adaptive discriminator augmentation."""

import torch
from torch import nn

from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.generators.interface import Generator, Sampler
from pathgen.gan.generators.stylegan2.discriminator import StyleGan2Discriminator
from pathgen.gan.generators.stylegan2.generator import StyleGan2Generator
from pathgen.gan.generators.stylegan2.layers import init_weights
from pathgen.gan.generators.stylegan2.settings import StyleGan2Sampling, StyleGan2Settings
from pathgen.gan.generators.stylegan2.stylegan2_trainer import StyleGan2Trainer
from pathgen.gan.shuffled_loader import ShuffledLoader


def sampler(settings: StyleGan2Sampling) -> Sampler:
    """Return a sampler with the truncation and the noise of the settings."""

    def sample(
        g: nn.Module, z: torch.Tensor, rng: torch.Generator, c: ClassCondition | None = None
    ) -> torch.Tensor:
        maps: list[torch.Tensor] | None = None
        if settings.noise == "random":
            maps = g.noise(len(z), rng)  # type: ignore[operator]
        elif settings.noise == "none":
            maps = [torch.zeros_like(one) for one in g.noise(1, rng)]  # type: ignore[operator]
        images: torch.Tensor = g(z, c, maps, settings.truncation_psi)
        return images

    return sample


GENERATOR = Generator(
    settings=StyleGan2Settings,
    build_generator=StyleGan2Generator,
    build_discriminator=StyleGan2Discriminator,
    init_weights=init_weights,
    trainer=StyleGan2Trainer,
    loader=ShuffledLoader,
    description="StyleGAN2 with adaptive discriminator augmentation",
    sampling=StyleGan2Sampling,
    sampler=sampler,
    metrics={
        "gan/augment_chance": "probability of each transform of the adaptive augmentation",
        "gan/sign_real": "mean sign of the discriminator's logits of augmented original patches",
        "gan/r1_penalty": "last R1 penalty",
        "gan/path_length": "running mean path length",
    },
)
