"""The generators one can choose by name. A new one: a file with its networks, and one line here."""

from collections.abc import Callable

from torch import nn

from pathgen.gan import trainer
from pathgen.gan.generator_spec import Architecture
from pathgen.gan.generators import dcgan
from pathgen.gan.generators.dpdcgan import accounting
from pathgen.gan.generators.dpdcgan import networks as dpdcgan_networks
from pathgen.gan.generators.dpdcgan import trainer as dpdcgan_players
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe
from pathgen.gan.generators.dpdcgan.poisson_sampler import PoissonStream
from pathgen.gan.generators.stylegan2 import discriminator as stylegan2_discriminator
from pathgen.gan.generators.stylegan2 import generator as stylegan2_generator
from pathgen.gan.generators.stylegan2 import layers as stylegan2_layers
from pathgen.gan.generators.stylegan2 import sampling as stylegan2_drawing
from pathgen.gan.generators.stylegan2 import trainer as stylegan2_players
from pathgen.gan.generators.stylegan2.hyperparams import StyleGan2Recipe
from pathgen.gan.hyperparams import GanRecipe
from pathgen.gan.synthesis import plainly


def plain_pair(
    generator: Callable[..., nn.Module],
    discriminator: Callable[..., nn.Module],
    initialise: Callable[[nn.Module, int], None],
) -> Architecture:
    """Return two networks that are trained as DCGAN's are, see `Architecture` for the arguments."""
    return Architecture(
        generator,
        discriminator,
        initialise,
        recipe=GanRecipe,
        players=trainer.Players,
        drawer=lambda: plainly,
    )


GENERATORS: dict[str, Architecture] = {
    "dcgan": plain_pair(dcgan.build_generator, dcgan.build_discriminator, dcgan.initialise),
    "stylegan2": Architecture(
        stylegan2_generator.build_generator,
        stylegan2_discriminator.build_discriminator,
        stylegan2_layers.initialise,
        recipe=StyleGan2Recipe,
        players=stylegan2_players.Players,
        drawer=stylegan2_drawing.drawer,
    ),
    "dpdcgan": Architecture(
        dpdcgan_networks.build_generator,
        dpdcgan_networks.build_discriminator,
        dcgan.initialise,
        recipe=PrivateRecipe,
        players=dpdcgan_players.DpTrainer,
        drawer=lambda: plainly,
        stream=PoissonStream,
        guarantee=accounting.guarantee,
        told=accounting.told,
    ),
}
