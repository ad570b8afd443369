"""The numbers that shape the training of a generator."""

from dataclasses import dataclass

from pathgen.gan.dataloader import Augment


@dataclass(frozen=True)
class GanRecipe:
    """The numbers that shape a training; the paper's values in brackets.

    Attributes:
        batch_size: Original images per step, and as many generated ones (256).
        kimg: Thousands of original images shown in all (35,008 x 400 epochs = 14,003).
        lr_generator: Adam's step size for the generator (0.0002).
        lr_discriminator: The same for the discriminator (0.0002).
        beta1: Adam's decay of the mean gradient (0.5).
        beta2: Adam's decay of the squared gradient (0.999).
        real_target: What the discriminator shall answer to an original; below 1 is one-sided label
            smoothing (1).
        ema_decay: Per step, of the generator's moving average, which is then the one kept; 0 is off (0).
        augment: ``d4``: each original turned and mirrored at random; ``none`` (none).
        seed: Of weights, order, turns and noise.
    """

    batch_size: int
    kimg: float
    lr_generator: float
    lr_discriminator: float
    beta1: float
    beta2: float
    real_target: float
    ema_decay: float
    augment: Augment
    seed: int

    @property
    def steps(self) -> int:
        """Steps in all: the last one completes `kimg`."""
        return max(1, -int(-self.kimg * 1000 // self.batch_size))
