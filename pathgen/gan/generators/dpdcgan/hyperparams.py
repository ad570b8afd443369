"""The numbers that shape the training of a private DCGAN."""

from dataclasses import dataclass
from typing import Literal

from pathgen.gan.dataloader import Augment

Unit = Literal["patch", "patient"]


@dataclass(frozen=True)
class PrivateRecipe:
    """The numbers that shape a training with a guarantee.

    Attributes:
        unit: Whose presence the guarantee hides: one ``patch``, or all patches of one ``patient``.
        units: How many of them there are among the originals.
        target_epsilon: What the training may spend; None: no noise, and no guarantee.
        target_delta: The guarantee's delta.
        max_grad_norm: Euclidean norm to which the contribution of each unit is clipped.
        patches_per_unit: Patches of a drawn unit that its contribution is the mean of.
        batch_size: Originals per step on average, and generated ones exactly.
        kimg: Thousands of original images shown in all, on average.
        discriminator_steps: Steps of the discriminator to one of the generator.
        lr_generator: Adam's step size for the generator.
        lr_discriminator: The same for the discriminator.
        beta1: Adam's decay of the mean gradient.
        beta2: Adam's decay of the squared gradient.
        real_target: What the discriminator shall answer to an original.
        ema_decay: Per step of the generator, of its moving average, which is then the one kept; 0 is off.
        secret_file: Of the noise and the draw of originals, see `rng_seed`; None: both come from `seed`.
        augment: ``d4``: each original turned and mirrored at random; ``none``.
        seed: Of weights, latents and turns.
    """

    unit: Unit
    units: int
    target_epsilon: float | None
    target_delta: float
    max_grad_norm: float
    patches_per_unit: int
    batch_size: int
    kimg: float
    discriminator_steps: int
    lr_generator: float
    lr_discriminator: float
    beta1: float
    beta2: float
    real_target: float
    ema_decay: float
    secret_file: str | None
    augment: Augment
    seed: int

    @property
    def steps(self) -> int:
        """Steps in all: the last one completes `kimg`."""
        return max(1, -int(-self.kimg * 1000 // self.batch_size))

    @property
    def units_per_step(self) -> int:
        """Units drawn per step on average; what the sum of their contributions is divided by."""
        return self.batch_size // self.patches_per_unit

    @property
    def sample_rate(self) -> float:
        """Chance of each unit to be drawn in a step, each by itself."""
        return self.units_per_step / self.units
