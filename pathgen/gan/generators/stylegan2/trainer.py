"""StyleGAN2 in training: both networks, their penalties and augmentation; one step, and their state."""

import copy
from collections.abc import Mapping
from typing import Any

import torch

from pathgen.core.seeding import derive_seed, torch_generator
from pathgen.gan.ada import AdaptiveAugmentation, augmented
from pathgen.gan.conditioning import Given
from pathgen.gan.generator_spec import Architecture
from pathgen.gan.generators.stylegan2.discriminator import StyleGan2Discriminator
from pathgen.gan.generators.stylegan2.generator import StyleGan2Generator
from pathgen.gan.generators.stylegan2.hyperparams import StyleGan2Recipe, ema_decay
from pathgen.gan.generators.stylegan2.regularisers import PathMean, path_lengths, r1_penalty
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
from pathgen.gan.trainer import STATISTICS

# The path length is measured on half of a batch (Karras et al. 2020, appendix B).
_PATH_SHRINK = 2


class Players:
    """StyleGAN2's generator and discriminator in training, and the generator's moving average.

    Every draw of a step has a generator of its own, keyed by purpose and number of the step, so that the
    state to keep over a kill is what the steps have changed: networks, moments, the chance of augmentation,
    the mean path length and the last penalties told.
    """

    statistics = (
        *STATISTICS,
        "gan/augment_chance",
        "gan/sign_real",
        "gan/r1_penalty",
        "gan/path_length",
    )

    def __init__(
        self,
        built: Architecture,
        *,
        image_size: int,
        options: Mapping[str, int],
        recipe: StyleGan2Recipe,
        device: torch.device,
        bf16: bool,
        channels_last: bool,
    ) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.generator: StyleGan2Generator = built.generator(image_size=image_size, **options)  # type: ignore[assignment]
        self.discriminator: StyleGan2Discriminator = built.discriminator(image_size=image_size, **options)  # type: ignore[assignment]
        for purpose, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            built.initialise(network, derive_seed(recipe.seed, purpose))
            network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self._recipe = recipe
        self._device = device
        self._layout = layout
        self._autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)
        self._adam_generator = _adam(
            self.generator, recipe.lr_generator, recipe, recipe.path_interval if recipe.path_weight else 0
        )
        self._adam_discriminator = _adam(
            self.discriminator, recipe.lr_discriminator, recipe, recipe.r1_interval if recipe.r1_gamma else 0
        )
        self._augmentation = AdaptiveAugmentation(
            target=recipe.ada_target, kimg=recipe.ada_kimg, batch_size=recipe.batch_size
        )
        self._path_mean = PathMean(recipe.path_decay, device)
        self._last = _Last(device)

    @property
    def finished(self) -> StyleGan2Generator:
        """The generator to keep: the average."""
        return self.average

    def step(
        self, real: torch.Tensor, latents: torch.Tensor, *, number: int, given: Given | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator against it, each with its penalty in turn.

        Both see the same generated images, each time augmented anew.

        Args:
            real: (N, 3, H, W) original images in [-1, 1].
            latents: (N, latent_dim) standard normal.
            number: Of the step, from 0.
            given: The classes of `real`, which the generated images shall have too; None without classes.

        Returns:
            Each of `statistics` as a detached scalar on the device.
        """
        recipe = self._recipe
        real = real.contiguous(memory_format=self._layout)
        with self._autocast:
            fake = self.generator.synthesis(
                self._styles(latents, "mixing", number, given),
                self._noise(len(latents), "noise-maps", number),
            )
        statistics = self._step_discriminator(real, fake.detach(), number, given)
        if recipe.r1_gamma and number % recipe.r1_interval == 0:
            self._penalise_discriminator(real, number, given)
        statistics |= self._step_generator(fake, number, given)
        if recipe.path_weight and number % recipe.path_interval == 0:
            self._penalise_generator(max(1, recipe.batch_size // _PATH_SHRINK), number, given)
        decay = ema_decay(
            number * recipe.batch_size,
            batch_size=recipe.batch_size,
            ema_kimg=recipe.ema_kimg,
            ema_ramp=recipe.ema_ramp,
        )
        average_into(self.average, self.generator, decay)
        scalars = {
            "gan/augment_chance": self._augmentation.chance,
            "gan/sign_real": self._augmentation.sign,
        }
        return {
            **statistics,
            **{name: torch.full((), value, device=self._device) for name, value in scalars.items()},
            "gan/spread_ratio": spread(fake.detach()) / spread(real).clamp(min=LEVEL),
            "gan/r1_penalty": self._last.r1,
            "gan/path_length": self._path_mean.mean,
        }

    def _rng(self, purpose: str, number: int) -> torch.Generator:
        return torch_generator(self._recipe.seed, purpose, number, device=self._device)

    def _noise(self, count: int, purpose: str, number: int) -> list[torch.Tensor]:
        return self.generator.noise(count, self._rng(purpose, number))

    def _styles(self, latents: torch.Tensor, purpose: str, number: int, given: Given | None) -> torch.Tensor:
        """Map latents to (N, styles, latent_dim); some take their later styles from another latent."""
        generator = self.generator
        rng = self._rng(purpose, number)
        count = len(latents)
        others = torch.randn((count, latents.shape[1]), generator=rng, device=self._device)
        first = torch.randint(1, generator.styles, (count,), generator=rng, device=self._device)
        is_mixed = torch.rand(count, generator=rng, device=self._device) < self._recipe.mixing
        twice = None if given is None else Given(given.labels.repeat(2), given.strength)
        w, other = generator.mapping(torch.cat([latents, others]), twice).chunk(2)  # (N, latent_dim) each
        generator.mapping.remember(w.detach())
        place = torch.arange(generator.styles, device=self._device)
        takes_other = is_mixed[:, None] & (place >= first[:, None])  # (N, styles)
        return torch.where(takes_other[:, :, None], other[:, None], w[:, None])

    def _judge(self, images: torch.Tensor, purpose: str, number: int, given: Given | None) -> torch.Tensor:
        """Return the logits (N,) of augmented images."""
        shown = augmented(images, self._augmentation.chance, self._rng(purpose, number))
        logits: torch.Tensor = self.discriminator(shown, given)
        return logits.float()

    def _step_discriminator(
        self, real: torch.Tensor, fake: torch.Tensor, number: int, given: Given | None
    ) -> dict[str, torch.Tensor]:
        self._adam_discriminator.zero_grad(set_to_none=True)
        with self._autocast:
            real_logits = self._judge(real, "augment-real", number, given)
            fake_logits = self._judge(fake, "augment-fake", number, given)
        loss = discriminator_loss(real_logits, fake_logits, 1.0)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam_discriminator.step()
        real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
        self._augmentation.add(real_logits)
        return {
            "gan/discriminator_loss": loss.detach(),
            "gan/accuracy_real": (real_logits > 0).float().mean(),
            "gan/accuracy_fake": (fake_logits < 0).float().mean(),
            "gan/output_real": real_logits.sigmoid().mean(),
            "gan/output_fake": fake_logits.sigmoid().mean(),
            "gan/grad_norm_discriminator": grad_norm(self.discriminator),
        }

    def _penalise_discriminator(self, real: torch.Tensor, number: int, given: Given | None) -> None:
        self._adam_discriminator.zero_grad(set_to_none=True)
        originals = real.detach().requires_grad_(True)
        penalty = r1_penalty(self._judge(originals, "augment-r1", number, given), originals).mean()
        # Times the interval: it stands for the steps in between.
        loss = penalty * (self._recipe.r1_gamma / 2 * self._recipe.r1_interval)
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam_discriminator.step()
        self._last.r1 = penalty.detach()

    def _step_generator(
        self, fake: torch.Tensor, number: int, given: Given | None
    ) -> dict[str, torch.Tensor]:
        self._adam_generator.zero_grad(set_to_none=True)
        with frozen(self.discriminator):
            with self._autocast:
                logits = self._judge(fake, "augment-generator", number, given)
            loss = generator_loss(logits)
            loss.backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()
        return {
            "gan/generator_loss": loss.detach(),
            "gan/grad_norm_generator": grad_norm(self.generator),
        }

    def _penalise_generator(self, count: int, number: int, given: Given | None) -> None:
        self._adam_generator.zero_grad(set_to_none=True)
        rng = self._rng("path", number)
        latents = torch.randn(count, self.generator.latent_dim, generator=rng, device=self._device)
        ws = self._styles(latents, "path-mixing", number, None if given is None else given.first(count))
        images = self.generator.synthesis(ws, self._noise(count, "path-noise", number))
        direction = torch.randn((count, *images.shape[1:]), generator=rng, device=self._device)
        penalty = self._path_mean.penalty(path_lengths(images, ws, direction))
        # The images count for nothing, but give the weights that no path depends on a gradient of 0.
        loss = (
            penalty * (self._recipe.path_weight * self._recipe.path_interval)
            + images[:, 0, 0, 0].mean() * 0.0
        )
        loss.backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()

    def are_finite(self) -> bool:
        """Tell whether every weight and running statistic is a finite number."""
        return are_finite(self.generator, self.discriminator)

    def _parts(self) -> dict[str, Part]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "average": self.average,
            "adam_generator": self._adam_generator,
            "adam_discriminator": self._adam_discriminator,
            "augmentation": self._augmentation,
            "path_mean": self._path_mean,
            "last": self._last,
        }

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all that the steps have changed as tensors, and their JSON description."""
        return parts_state(self._parts())

    def restore(self, tensors: Mapping[str, torch.Tensor], described: Mapping[str, Any]) -> None:
        """Take over a `state` made with the same arguments."""
        restore_parts(self._parts(), tensors, described)


class _Last:
    """The last R1 penalty, told until there is a new one."""

    def __init__(self, device: torch.device) -> None:
        self.r1 = torch.zeros((), device=device)

    def state_dict(self) -> dict[str, Any]:
        return {"r1": self.r1}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.r1 = state["r1"].to(self.r1.device)


def _adam(network: torch.nn.Module, lr: float, recipe: StyleGan2Recipe, interval: int) -> torch.optim.Adam:
    """Make an optimiser that takes an extra step for a penalty every `interval` steps (0: none).

    With k of k + 1 steps for the loss, step size and decays are those of k / (k + 1) of a step each.
    Source: Karras et al. 2020 (arXiv 1912.04958), appendix B, "Lazy regularization".
    """
    share = interval / (interval + 1) if interval else 1.0
    betas = (recipe.beta1**share, recipe.beta2**share)
    return torch.optim.Adam(network.parameters(), lr=lr * share, betas=betas, eps=1e-8, fused=True)
