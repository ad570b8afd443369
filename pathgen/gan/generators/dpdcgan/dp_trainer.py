"""Training step of DP-SGD: originals reach the weights only through one noisy sum of clipped gradients."""

import torch
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.adversarial_trainer import (
    STATISTICS,
    adversarial_pair,
    logit_statistics,
    set_learning_rates,
    update_average,
    update_generator,
)
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.dpdcgan.accounting import RdpAccountant
from pathgen.gan.generators.dpdcgan.per_sample_grad import clipped_sum
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings, private_seed
from pathgen.gan.generators.interface import Precision
from pathgen.gan.nn_ops import discriminator_loss, frozen, generator_loss, grad_norm, spread_ratio


class DpTrainer:
    """DP-SGD for the discriminator, and a generator that sees originals only through it.

    In each step the discriminator learns from a Poisson sample of the originals: the gradient of each unit is
    clipped, summed, and Gaussian noise is added. Gradients on generated images are clipped in the same way,
    so that neither half outweighs the other, but have no noise: generated images, the generator's gradient
    and Adam's moments depend on originals through earlier noisy sums only.
    """

    # Some are measured on originals without noise: no weight depends on them, but they must not be published.
    statistics = (
        *(key for key in STATISTICS if key != "gan/grad_norm_generator"),
        "gan/contributions",
        "gan/clipped_share",
    )

    def __init__(
        self,
        g: nn.Module,
        d: nn.Module,
        settings: DpDcganSettings,
        data: GanDataset,
        *,
        device: torch.device,
        precision: Precision,
    ) -> None:
        """Move the networks to the device and make their optimisers (see `AdversarialTrainer`)."""
        g.to(device=device, memory_format=precision.memory_format)  # type: ignore[call-overload]
        # The discriminator stays contiguous: its gradients are taken image by image.
        d.to(device=device)
        self.pair = adversarial_pair(g, d, settings)
        self._settings = settings
        self._noise_std = RdpAccountant(settings, data).noise_multiplier * settings.max_grad_norm
        self._seed = private_seed(settings)
        self._device = device
        self._autocast = precision.autocast(device)

    def step(
        self, real: torch.Tensor, z: torch.Tensor, *, step: int, c: ClassCondition | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, and every `discriminator_steps` steps the generator.

        Args:
            real: Originals (U, K, 3, H, W) in [-1, 1], K of each sampled unit; U may be 0.
            z: Latents (N, latent_dim), standard normal.
            step: Number of the step, from 0.
            c: None; there is no class condition.

        Returns:
            Each of `statistics` as a detached scalar on the device.
        """
        set_learning_rates(self.pair, self._settings, step)
        every = self._settings.discriminator_steps
        generator_step, rest = divmod(step, every)
        trains_generator = rest == every - 1
        with self._autocast, torch.set_grad_enabled(trains_generator):
            fake = self.pair.g(z).float()
        statistics = self._train_discriminator(real, fake.detach(), step)
        if trains_generator:
            with frozen(self.pair.d), self._autocast:
                logits = self.pair.d(fake)
            update_generator(self.pair, logits.float())
            update_average(self.pair, self._settings.ema_decay, generator_step)
        return statistics

    def _train_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, step: int
    ) -> dict[str, torch.Tensor]:
        settings = self._settings
        sampled = len(real)
        # As many groups of generated images as the expected number of sampled units.
        images = torch.cat([real, fake.reshape(-1, *real.shape[1:])])
        targets = torch.zeros(len(images), device=self._device)
        targets[:sampled] = settings.real_target
        with self._autocast:
            clipped = clipped_sum(self.pair.d, images, targets, settings.max_grad_norm)
        rng = torch_generator(self._seed, "noise", step, device=self._device)
        for name, weights in self.pair.d.named_parameters():
            noise = torch.randn(weights.shape, generator=rng, device=self._device)
            # Divided by the expected number of units: the sampled number depends on who is in the data.
            weights.grad = (clipped.sums[name] + self._noise_std * noise) / settings.units_per_step
        self.pair.opt_d.step()
        return self._statistics(real.flatten(0, 1), fake, clipped.logits, clipped.norms[:sampled])

    def _statistics(
        self, real: torch.Tensor, fake: torch.Tensor, logits: torch.Tensor, norms: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        real_logits, fake_logits = torch.split(logits.flatten(), [len(real), len(fake)])
        if not len(real):  # Nothing was sampled: report an undecided discriminator.
            real_logits = torch.zeros_like(fake_logits)
        return {
            "gan/discriminator_loss": discriminator_loss(
                real_logits, fake_logits, self._settings.real_target
            ),
            "gan/generator_loss": generator_loss(fake_logits),
            **logit_statistics(real_logits, fake_logits),
            "gan/grad_norm_discriminator": grad_norm(self.pair.d),
            # A single image has no spread to compare with.
            "gan/spread_ratio": spread_ratio(fake, real if len(real) > 1 else fake),
            "gan/contributions": torch.full((), float(len(norms)), device=self._device),
            "gan/clipped_share": (norms > self._settings.max_grad_norm).float().sum() / max(len(norms), 1),
        }
