"""The numbers that shape the training of a StyleGAN2."""

from dataclasses import dataclass

from pathgen.gan.dataloader import Augment


@dataclass(frozen=True)
class StyleGan2Recipe:
    """The numbers that shape a training; the papers' values in brackets.

    Attributes:
        batch_size: Original images per step, and as many generated ones (64 at 32 to 256 px).
        kimg: Thousands of original images shown in all (25,000).
        lr_generator: Adam's step size for the generator (0.0025).
        lr_discriminator: The same for the discriminator (0.0025).
        beta1: Adam's decay of the mean gradient (0).
        beta2: Adam's decay of the squared gradient (0.99).
        r1_gamma: Weight of the R1 penalty (0.0002 * pixels / batch size; 10 at 1024 px); 0 is off.
        r1_interval: Steps between two R1 penalties (16).
        path_weight: Weight of the path length penalty (2); 0 is off.
        path_interval: Steps between two path length penalties (4).
        path_decay: How far the mean path length moves towards a batch's (0.01).
        mixing: Chance that an image takes its later styles from a second latent (0.9).
        ema_kimg: Thousands of images after which the averaged generator has forgotten half (batch * 10 / 32).
        ema_ramp: That half-life is at most this share of the images shown so far (0.05); 0: no ramp.
        ada_target: Mean sign of the discriminator's answers to originals that augmentation aims at (0.6);
            0: no adaptive augmentation.
        ada_kimg: Thousands of images in which the chance of augmentation would go from 0 to 1 (500).
        augment: ``d4``: each original turned and mirrored at random; ``none`` (mirrored).
        seed: Of weights, order, turns, noise and augmentation.
    """

    batch_size: int
    kimg: float
    lr_generator: float
    lr_discriminator: float
    beta1: float
    beta2: float
    r1_gamma: float
    r1_interval: int
    path_weight: float
    path_interval: int
    path_decay: float
    mixing: float
    ema_kimg: float
    ema_ramp: float
    ada_target: float
    ada_kimg: float
    augment: Augment
    seed: int

    @property
    def steps(self) -> int:
        """Steps in all: the last one completes `kimg`."""
        return max(1, -int(-self.kimg * 1000 // self.batch_size))


def ema_decay(images: int, *, batch_size: int, ema_kimg: float, ema_ramp: float) -> float:
    """Return which share of the averaged generator stays at a step.

    Args:
        images: Originals shown so far.
        batch_size: Originals per step.
        ema_kimg: See `StyleGan2Recipe`.
        ema_ramp: See `StyleGan2Recipe`.

    Returns:
        ``0.5 ** (batch_size / half-life)``; 0 before the first image, so that the average begins as a copy.

    Source: Karras et al. 2018 (arXiv 1710.10196, section 4) for the average, ADA (arXiv 2006.06676,
    appendix C) for its ramp at small data sets.
    """
    half_life = ema_kimg * 1000.0
    if ema_ramp:
        half_life = min(half_life, images * ema_ramp)
    return float(0.5 ** (batch_size / max(half_life, 1e-8)))
