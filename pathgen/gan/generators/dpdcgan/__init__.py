"""DCGAN with a discriminator that is trained by DP-SGD."""

from pathgen.gan.generators.base import Generator
from pathgen.gan.generators.dcgan import init_weights
from pathgen.gan.generators.dpdcgan.accounting import RdpAccountant
from pathgen.gan.generators.dpdcgan.networks import build_discriminator, build_generator
from pathgen.gan.generators.dpdcgan.poisson_sampler import PoissonLoader
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings
from pathgen.gan.generators.dpdcgan.trainer import DpTrainer

GENERATOR = Generator(
    settings=DpDcganSettings,
    build_generator=build_generator,
    build_discriminator=build_discriminator,
    init_weights=init_weights,
    trainer=DpTrainer,
    loader=PoissonLoader,
    description="DCGAN with differential privacy (DP-SGD)",
    accountant=RdpAccountant,
    metrics={
        "gan/epsilon": "privacy loss so far",
        "gan/contributions": "number of sampled units",
        "gan/clipped_share": "share of sampled units whose gradient was clipped",
    },
)
