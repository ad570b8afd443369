"""The two networks, their optimisers and the averaged generator: one training step, and their state."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pathgen.core.seeding import derive_seed
from pathgen.gan.conditioning import Given
from pathgen.gan.generator_spec import Architecture
from pathgen.gan.hyperparams import GanRecipe
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

# What `Players.step` tells of each step; docs/metrics.md explains each.
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


class Players:
    """Generator and discriminator in training as in the DCGAN paper, and the generator's moving average."""

    statistics = STATISTICS

    def __init__(
        self,
        built: Architecture,
        *,
        image_size: int,
        options: Mapping[str, int],
        recipe: GanRecipe,
        device: torch.device,
        bf16: bool,
        channels_last: bool,
    ) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.generator = built.generator(image_size=image_size, **options)
        self.discriminator = built.discriminator(image_size=image_size, **options)
        for purpose, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            built.initialise(network, derive_seed(recipe.seed, purpose))
            network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if recipe.ema_decay else None
        betas = (recipe.beta1, recipe.beta2)
        # One kernel for all weights; on a CPU it saves about a third of the step's overhead.
        self._adam_generator = torch.optim.Adam(
            self.generator.parameters(), lr=recipe.lr_generator, betas=betas, fused=True
        )
        self._adam_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), lr=recipe.lr_discriminator, betas=betas, fused=True
        )
        self._real_target = recipe.real_target
        self._ema_decay = recipe.ema_decay
        self._layout = layout
        self._autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)

    @property
    def finished(self) -> nn.Module:
        """The generator to keep: the average where there is one."""
        return self.generator if self.average is None else self.average

    def step(
        self, real: torch.Tensor, latents: torch.Tensor, *, number: int, given: Given | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator against it.

        Args:
            real: (N, 3, H, W) original images in [-1, 1].
            latents: (N, latent_dim) standard normal.
            number: Of the step, from 0.
            given: The classes of `real`, which the generated images shall have too; None without classes.

        Returns:
            Each of `STATISTICS` as a detached scalar on the device.
        """
        real = real.contiguous(memory_format=self._layout)
        told = () if given is None else (given,)
        with self._autocast:
            fake = self.generator(latents, *told)
        statistics = self._step_discriminator(real, fake.detach(), *told) | self._step_generator(fake, *told)
        if self.average is not None:
            # The average of few steps reaches back no further than they do.
            average_into(self.average, self.generator, min(self._ema_decay, (1 + number) / (10 + number)))
        # Pixels' standard deviation over the batch, against the originals': falls to 0 in a collapse.
        return statistics | {
            "gan/spread_ratio": spread(fake.detach().float()) / spread(real).clamp(min=LEVEL)
        }

    def _step_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, *told: Given
    ) -> dict[str, torch.Tensor]:
        self._adam_discriminator.zero_grad(set_to_none=True)
        with self._autocast:
            # Two batches, not one of both: BatchNorm's statistics must not tell real from fake by their mix.
            real_logits, fake_logits = self.discriminator(real, *told), self.discriminator(fake, *told)
        real_logits, fake_logits = real_logits.float(), fake_logits.float()
        loss = discriminator_loss(real_logits, fake_logits, self._real_target)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam_discriminator.step()
        real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
        return {
            "gan/discriminator_loss": loss.detach(),
            "gan/accuracy_real": (real_logits > 0).float().mean(),
            "gan/accuracy_fake": (fake_logits < 0).float().mean(),
            "gan/output_real": real_logits.sigmoid().mean(),
            "gan/output_fake": fake_logits.sigmoid().mean(),
            "gan/grad_norm_discriminator": grad_norm(self.discriminator),
        }

    def _step_generator(self, fake: torch.Tensor, *told: Given) -> dict[str, torch.Tensor]:
        self._adam_generator.zero_grad(set_to_none=True)
        with frozen(self.discriminator):
            with self._autocast:
                logits = self.discriminator(fake, *told)
            loss = generator_loss(logits.float())
            loss.backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()
        return {
            "gan/generator_loss": loss.detach(),
            "gan/grad_norm_generator": grad_norm(self.generator),
        }

    def are_finite(self) -> bool:
        """Tell whether every weight and running statistic is a finite number."""
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
