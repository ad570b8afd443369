"""Training step of the DCGAN paper: Adam, non-saturating cross-entropy, optional moving average."""

import copy

import torch
from pydantic import Field
from torch import nn

from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.ema import update_ema
from pathgen.gan.generators.interface import GanPair, GeneratorSettings, Precision
from pathgen.gan.nn_ops import (
    discriminator_loss,
    frozen,
    generator_loss,
    grad_norm,
    minimise,
    spread_ratio,
)

# Keys of each step; docs/metrics.md explains them.
STATISTICS = (
    "gan/discriminator_loss",
    "gan/generator_loss",
    "gan/accuracy_real",
    "gan/accuracy_fake",
    "gan/output_real",
    "gan/output_fake",
    "gan/grad_norm_discriminator",
    "gan/grad_norm_generator",
    "gan/spread_ratio",
)


class AdversarialSettings(GeneratorSettings):
    """Settings of two Adam optimisers and two losses; the values of DCGAN's paper in the descriptions."""

    lr_generator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; paper: 0.0002.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; paper: 0.0002.")
    lr_decay_start: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="Share of the training after which both learning rates fall linearly to 0; 1: never; "
        "paper: 1.",
    )
    beta1: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's first moment; paper: 0.5.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's second moment; paper: 0.999.")
    real_target: float = Field(
        gt=0.5, le=1.0, description="Target of the discriminator for originals; below 1: smoothing; paper: 1."
    )
    ema_decay: float = Field(
        ge=0.0,
        lt=1.0,
        description="Decay per generator step of the moving average; 0: none; paper: 0.",
    )


class AdversarialTrainer:
    """DCGAN's training step for any pair of networks with `AdversarialSettings`."""

    statistics = STATISTICS

    def __init__(
        self,
        g: nn.Module,
        d: nn.Module,
        settings: AdversarialSettings,
        data: GanDataset,
        *,
        device: torch.device,
        precision: Precision,
    ) -> None:
        """Move the networks to the device and make their optimisers.

        Args:
            g: Generator with initial weights.
            d: Discriminator with initial weights.
            settings: The recipe.
            data: Not used.
            device: Device of the training.
            precision: Arithmetic of the training.
        """
        for network in (g, d):
            network.to(device=device, memory_format=precision.memory_format)  # type: ignore[call-overload]
        self.pair = adversarial_pair(g, d, settings)
        self._settings = settings
        self._memory_format = precision.memory_format
        self._autocast = precision.autocast(device)

    def step(
        self, real: torch.Tensor, z: torch.Tensor, *, step: int, c: ClassCondition | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator against it (see `GanTrainer.step`)."""
        pair = self.pair
        set_learning_rates(pair, self._settings, step)
        real = real.contiguous(memory_format=self._memory_format)
        condition = () if c is None else (c,)
        with self._autocast:
            fake = pair.g(z, *condition)
            # Two batches, not one: BatchNorm statistics of a mixed batch would separate real from fake.
            real_logits, fake_logits = pair.d(real, *condition), pair.d(fake.detach(), *condition)
        statistics = update_discriminator(
            pair, real_logits.float(), fake_logits.float(), self._settings.real_target
        )
        with frozen(pair.d), self._autocast:
            logits = pair.d(fake, *condition)
        statistics |= update_generator(pair, logits.float())
        update_average(pair, self._settings.ema_decay, step)
        return statistics | {"gan/spread_ratio": spread_ratio(fake.detach().float(), real)}


def adam(network: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Adam:
    """Make the optimiser of a network."""
    # fused: one kernel for all weights, a third less overhead per step on a CPU.
    return torch.optim.Adam(network.parameters(), lr=lr, betas=betas, fused=True)


def adversarial_pair(g: nn.Module, d: nn.Module, settings: AdversarialSettings) -> GanPair:
    """Make the optimisers of networks on their device, and the moving average if the recipe has one."""
    g_ema = copy.deepcopy(g).requires_grad_(False) if settings.ema_decay else None
    betas = (settings.beta1, settings.beta2)
    return GanPair(
        g, d, adam(g, settings.lr_generator, betas), adam(d, settings.lr_discriminator, betas), g_ema
    )


def set_learning_rates(pair: GanPair, settings: AdversarialSettings, step: int) -> None:
    """Set the learning rates of a step, see `AdversarialSettings.lr_decay_start`.

    Args:
        pair: Networks and optimisers.
        settings: The recipe.
        step: Number of the step, from 0.
    """
    begin = settings.lr_decay_start * settings.steps
    factor = 1.0 if step < begin else (settings.steps - step) / (settings.steps - begin)
    rates = {pair.opt_g: settings.lr_generator, pair.opt_d: settings.lr_discriminator}
    for optimizer, rate in rates.items():
        for group in optimizer.param_groups:
            group["lr"] = rate * factor


def update_discriminator(
    pair: GanPair, real_logits: torch.Tensor, fake_logits: torch.Tensor, real_target: float
) -> dict[str, torch.Tensor]:
    """Update the discriminator once.

    Args:
        pair: Networks and optimisers.
        real_logits: Logits of original images, float32 (N,).
        fake_logits: Logits of generated images, float32 (M,).
        real_target: See `discriminator_loss`.

    Returns:
        The statistics of the discriminator.
    """
    loss = discriminator_loss(real_logits, fake_logits, real_target)
    minimise(loss, pair.opt_d)
    return {
        "gan/discriminator_loss": loss.detach(),
        **logit_statistics(real_logits.detach(), fake_logits.detach()),
        "gan/grad_norm_discriminator": grad_norm(pair.d),
    }


def update_generator(pair: GanPair, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Update the generator once; return its statistics.

    Args:
        pair: Networks and optimisers.
        logits: Logits of generated images from the `frozen` discriminator, float32 (N,).
    """
    loss = generator_loss(logits)
    minimise(loss, pair.opt_g)
    return {"gan/generator_loss": loss.detach(), "gan/grad_norm_generator": grad_norm(pair.g)}


def update_average(pair: GanPair, decay: float, step: int) -> None:
    """Update the moving average, if there is one.

    Args:
        pair: Networks and optimisers.
        decay: Decay of the recipe; smaller in early steps, which must not reach back to the initial weights.
        step: Number of generator steps before this one.
    """
    if pair.g_ema is not None:
        update_ema(pair.g_ema, pair.g, min(decay, (1 + step) / (10 + step)))


def logit_statistics(real_logits: torch.Tensor, fake_logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the discriminator's accuracy and mean output on original and generated images.

    Args:
        real_logits: Logits of original images, (N,), detached.
        fake_logits: Logits of generated images, (M,), detached.
    """
    return {
        "gan/accuracy_real": (real_logits > 0).float().mean(),
        "gan/accuracy_fake": (fake_logits < 0).float().mean(),
        "gan/output_real": real_logits.sigmoid().mean(),
        "gan/output_fake": fake_logits.sigmoid().mean(),
    }
