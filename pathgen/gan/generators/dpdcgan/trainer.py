"""A private DCGAN in training: originals reach the weights through one noisy sum alone."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pathgen.core.seeding import derive_seed, torch_generator
from pathgen.gan.conditioning import Given
from pathgen.gan.generator_spec import Architecture
from pathgen.gan.generators.dpdcgan.accounting import noise_multiplier, require_meaning
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe
from pathgen.gan.generators.dpdcgan.per_sample_grad import clipped_sum
from pathgen.gan.generators.dpdcgan.rng_seed import private_seed
from pathgen.gan.losses import discriminator_loss, generator_loss
from pathgen.gan.nn_ops import (
    LEVEL,
    Part,
    are_finite,
    average_into,
    frozen,
    grad_norm,
    parts_state,
    restore_parts,
    spread,
)

# What a step tells; docs/metrics.md explains each. Some of it is measured on originals without noise: it is
# for the eyes of those who may see these, and no weight depends on it.
STATISTICS = (
    "gan/discriminator_loss",
    "gan/generator_loss",
    "gan/accuracy_real",
    "gan/accuracy_fake",
    "gan/output_real",
    "gan/output_fake",
    "gan/grad_norm_discriminator",
    "gan/spread_ratio",
    "gan/contributions",
    "gan/clipped_share",
)


class DpTrainer:
    """Generator and discriminator in training, and the generator's moving average.

    Per step the discriminator learns from a Poisson sample of the originals: gradients of each contribution,
    clipped, summed, with Gaussian noise. Its other half, on generated images, is clipped alike, so that
    neither outweighs the other, but bears no noise: generated images, and the weights they are judged with,
    come of earlier noisy sums. So do the generator's gradient and Adam's moments.
    """

    statistics = STATISTICS

    def __init__(
        self,
        built: Architecture,
        *,
        image_size: int,
        options: Mapping[str, int],
        recipe: PrivateRecipe,
        device: torch.device,
        bf16: bool,
        channels_last: bool,
    ) -> None:
        require_meaning(recipe)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.generator = built.generator(image_size=image_size, **options)
        self.discriminator = built.discriminator(image_size=image_size, **options)
        for purpose, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            built.initialise(network, derive_seed(recipe.seed, purpose))
            network.to(device=device)
        # The discriminator stays row by row: its gradients are taken image by image.
        self.generator.to(memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if recipe.ema_decay else None
        betas = (recipe.beta1, recipe.beta2)
        self._adam_generator = torch.optim.Adam(
            self.generator.parameters(), lr=recipe.lr_generator, betas=betas, fused=True
        )
        self._adam_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), lr=recipe.lr_discriminator, betas=betas, fused=True
        )
        self._recipe = recipe
        self._noise = noise_multiplier(recipe) * recipe.max_grad_norm
        self._seed = private_seed(recipe)
        self._device = device
        self._autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)

    @property
    def finished(self) -> nn.Module:
        """The generator to keep: the average where there is one."""
        return self.generator if self.average is None else self.average

    def step(
        self, real: torch.Tensor, latents: torch.Tensor, *, number: int, given: Given | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, and the generator when it is its turn.

        Args:
            real: (U, K, 3, H, W) originals in [-1, 1], K of each unit that was drawn; U may be 0.
            latents: (N, latent_dim) standard normal.
            number: Of the step, from 0.
            given: None: there are no classes.

        Returns:
            Each of `STATISTICS` as a detached scalar on the device.
        """
        every = self._recipe.discriminator_steps
        turn, left = divmod(number, every)
        learns = left == every - 1
        with self._autocast, torch.set_grad_enabled(learns):
            fake = self.generator(latents).float()
        told = self._step_discriminator(real, fake.detach(), number)
        if learns:
            self._step_generator(fake)
            if self.average is not None:
                # The average of few steps reaches back no further than they do.
                decay = min(self._recipe.ema_decay, (1 + turn) / (10 + turn))
                average_into(self.average, self.generator, decay)
        return told

    def _step_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, number: int
    ) -> dict[str, torch.Tensor]:
        recipe = self._recipe
        drawn = len(real)
        # As many contributions of generated images as there are of originals on average.
        shown = torch.cat([real, fake.reshape(-1, *real.shape[1:])])
        targets = torch.zeros(len(shown), device=self._device)
        targets[:drawn] = recipe.real_target
        with self._autocast:
            found = clipped_sum(self.discriminator, shown, targets, recipe.max_grad_norm)
        rng = torch_generator(self._seed, "noise", number, device=self._device)
        for name, weights in self.discriminator.named_parameters():
            noise = torch.randn(weights.shape, generator=rng, device=self._device)
            # Divided by the number drawn on average: the number drawn depends on who was there.
            weights.grad = (found.sums[name] + self._noise * noise) / recipe.units_per_step
        self._adam_discriminator.step()
        return self._told(real.flatten(0, 1), fake, found.logits, found.norms[:drawn])

    def _told(
        self, real: torch.Tensor, fake: torch.Tensor, logits: torch.Tensor, norms: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        real_logits, fake_logits = torch.split(logits.flatten(), [len(real), len(fake)])
        if not len(real):  # Of none drawn, an undecided answer.
            real_logits = torch.zeros_like(fake_logits)
        # Fewer than two have no spread to compare with.
        compared = real if len(real) > 1 else fake
        clipped = (norms > self._recipe.max_grad_norm).float()
        return {
            "gan/discriminator_loss": discriminator_loss(real_logits, fake_logits, self._recipe.real_target),
            "gan/generator_loss": generator_loss(fake_logits),
            "gan/accuracy_real": (real_logits > 0).float().mean(),
            "gan/accuracy_fake": (fake_logits < 0).float().mean(),
            "gan/output_real": real_logits.sigmoid().mean(),
            "gan/output_fake": fake_logits.sigmoid().mean(),
            "gan/grad_norm_discriminator": grad_norm(self.discriminator),
            "gan/spread_ratio": spread(fake) / spread(compared).clamp(min=LEVEL),
            "gan/contributions": torch.full((), float(len(norms)), device=self._device),
            "gan/clipped_share": clipped.sum() / max(len(norms), 1),
        }

    def _step_generator(self, fake: torch.Tensor) -> None:
        self._adam_generator.zero_grad(set_to_none=True)
        with frozen(self.discriminator):
            with self._autocast:
                logits = self.discriminator(fake)
            generator_loss(logits.float()).backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()

    def are_finite(self) -> bool:
        """Tell whether all weights are finite."""
        return are_finite(self.generator, self.discriminator)

    def _parts(self) -> dict[str, Part]:
        parts: dict[str, Part] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "adam_generator": self._adam_generator,
            "adam_discriminator": self._adam_discriminator,
        }
        return parts if self.average is None else {**parts, "average": self.average}

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all weights and moments as tensors, and their JSON description."""
        return parts_state(self._parts())

    def restore(self, tensors: Mapping[str, torch.Tensor], described: Mapping[str, Any]) -> None:
        """Take over a `state` made with the same arguments."""
        restore_parts(self._parts(), tensors, described)
