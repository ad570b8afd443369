"""Training step of the DCGAN paper: Adam, non-saturating cross-entropy, optional moving average."""

import copy

import torch
from pydantic import Field
from torch import nn

from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.ema import update_ema, warmed_up
from pathgen.gan.generators.base import GanPair, GeneratorSettings, Precision
from pathgen.gan.nn_ops import discriminator_loss, frozen, generator_loss, grad_norm, spread_ratio

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
    """Settings of `AdversarialTrainer`; the paper's values in the descriptions."""

    lr_generator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; paper: 0.0002.")
    lr_discriminator: float = Field(gt=0.0, le=1.0, description="Learning rate of Adam; paper: 0.0002.")
    beta1: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's first moment; paper: 0.5.")
    beta2: float = Field(ge=0.0, lt=1.0, description="Decay of Adam's second moment; paper: 0.999.")
    real_target: float = Field(
        gt=0.5, le=1.0, description="Target of the discriminator for originals; below 1: smoothing; paper: 1."
    )
    ema_decay: float = Field(
        ge=0.0, lt=1.0, description="Decay per step of the generator's moving average; 0: none; paper: 0."
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
        g_ema = copy.deepcopy(g).requires_grad_(False) if settings.ema_decay else None
        betas = (settings.beta1, settings.beta2)
        # fused: one kernel for all weights, a third less overhead per step on a CPU.
        opt_g = torch.optim.Adam(g.parameters(), lr=settings.lr_generator, betas=betas, fused=True)
        opt_d = torch.optim.Adam(d.parameters(), lr=settings.lr_discriminator, betas=betas, fused=True)
        self.pair = GanPair(g, d, opt_g, opt_d, g_ema)
        self._settings = settings
        self._memory_format = precision.memory_format
        self._autocast = precision.autocast(device)

    def step(
        self, real: torch.Tensor, z: torch.Tensor, *, step: int, c: ClassCondition | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator against it (see `GanTrainer.step`)."""
        pair = self.pair
        real = real.contiguous(memory_format=self._memory_format)
        condition = () if c is None else (c,)
        with self._autocast:
            fake = pair.g(z, *condition)
        statistics = self._train_discriminator(real, fake.detach(), *condition)
        statistics |= self._train_generator(fake, *condition)
        if pair.g_ema is not None:
            update_ema(pair.g_ema, pair.g, warmed_up(self._settings.ema_decay, step))
        return statistics | {"gan/spread_ratio": spread_ratio(fake.detach().float(), real)}

    def _train_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, *condition: ClassCondition
    ) -> dict[str, torch.Tensor]:
        self.pair.opt_d.zero_grad(set_to_none=True)
        with self._autocast:
            # Two batches, not one: BatchNorm statistics of a mixed batch would separate real from fake.
            real_logits, fake_logits = self.pair.d(real, *condition), self.pair.d(fake, *condition)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        loss = discriminator_loss(real_logits, fake_logits, self._settings.real_target)
        loss.backward()  # type: ignore[no-untyped-call]
        self.pair.opt_d.step()
        return {
            "gan/discriminator_loss": loss.detach(),
            **logit_statistics(real_logits.detach(), fake_logits.detach()),
            "gan/grad_norm_discriminator": grad_norm(self.pair.d),
        }

    def _train_generator(self, fake: torch.Tensor, *condition: ClassCondition) -> dict[str, torch.Tensor]:
        self.pair.opt_g.zero_grad(set_to_none=True)
        with frozen(self.pair.d):
            with self._autocast:
                logits = self.pair.d(fake, *condition)
            loss = generator_loss(logits.float())
            loss.backward()  # type: ignore[no-untyped-call]
        self.pair.opt_g.step()
        return {"gan/generator_loss": loss.detach(), "gan/grad_norm_generator": grad_norm(self.pair.g)}


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
