"""Training step of StyleGAN2: lazy R1 and path length penalties, style mixing, adaptive augmentation."""

import copy
from typing import Any

import torch

from pathgen.core.seeding import torch_generator
from pathgen.gan.ada import AdaptiveAugmentation, augment
from pathgen.gan.adversarial_trainer import STATISTICS, adam, update_discriminator, update_generator
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.ema import update_ema
from pathgen.gan.generators.interface import GanPair, Precision
from pathgen.gan.generators.stylegan2.discriminator import StyleGan2Discriminator
from pathgen.gan.generators.stylegan2.generator import StyleGan2Generator
from pathgen.gan.generators.stylegan2.regularisers import PathMean, path_lengths, r1_penalty
from pathgen.gan.generators.stylegan2.settings import StyleGan2Settings
from pathgen.gan.nn_ops import frozen, minimise, spread_ratio

# The path length is measured on half of a batch (Karras et al. 2020, appendix B).
_PATH_SHRINK = 2


class StyleGan2Trainer:
    """StyleGAN2's training step.

    Every random draw of a step has a random generator of its own, derived from the seed, the purpose and the
    number of the step. So a snapshot holds networks and running values, and no random state.
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
        g: StyleGan2Generator,
        d: StyleGan2Discriminator,
        settings: StyleGan2Settings,
        data: GanDataset,
        *,
        device: torch.device,
        precision: Precision,
    ) -> None:
        """Move the networks to the device and make their optimisers (see `AdversarialTrainer`)."""
        for network in (g, d):
            network.to(device=device, memory_format=precision.memory_format)  # type: ignore[call-overload]
        self._g, self._d, self._g_ema = g, d, copy.deepcopy(g).requires_grad_(False)
        self._settings = settings
        self._device = device
        self._memory_format = precision.memory_format
        self._autocast = precision.autocast(device)
        self._ada = AdaptiveAugmentation(
            target=settings.ada_target, kimg=settings.ada_kimg, batch_size=settings.batch_size
        )
        self._path_mean = PathMean(settings.path_decay, device)
        self._last = _LastPenalty(device)
        path_interval = settings.path_interval if settings.path_weight else 0
        r1_interval = settings.r1_interval if settings.r1_gamma else 0
        self.pair = GanPair(
            g,
            d,
            _lazy_adam(g, settings.lr_generator, settings, path_interval),
            _lazy_adam(d, settings.lr_discriminator, settings, r1_interval),
            self._g_ema,
            {"ada": self._ada, "path_mean": self._path_mean, "last_penalty": self._last},
        )

    def step(
        self, real: torch.Tensor, z: torch.Tensor, *, step: int, c: ClassCondition | None = None
    ) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator, each with its penalty when it is due.

        Both see the same generated images, augmented anew each time (see `GanTrainer.step`).
        """
        settings = self._settings
        real = real.contiguous(memory_format=self._memory_format)
        with self._autocast:
            fake = self._g.synthesis(
                self._styles(z, "mixing", step, c), self._g.noise(len(z), self._rng("noise-maps", step))
            )
            real_logits = self._logits(real, "augment-real", step, c)
            fake_logits = self._logits(fake.detach(), "augment-fake", step, c)
        statistics = update_discriminator(self.pair, real_logits, fake_logits, 1.0)
        self._ada.update(real_logits)
        if settings.r1_gamma and step % settings.r1_interval == 0:
            self._penalise_discriminator(real, step, c)
        with frozen(self._d), self._autocast:
            logits = self._logits(fake, "augment-generator", step, c)
        statistics |= update_generator(self.pair, logits)
        if settings.path_weight and step % settings.path_interval == 0:
            self._penalise_generator(max(1, settings.batch_size // _PATH_SHRINK), step, c)
        update_ema(self._g_ema, self._g, settings.ema_decay(step))
        return {
            **statistics,
            "gan/augment_chance": torch.full((), self._ada.chance, device=self._device),
            "gan/sign_real": torch.full((), self._ada.sign, device=self._device),
            "gan/spread_ratio": spread_ratio(fake.detach(), real),
            "gan/r1_penalty": self._last.r1,
            "gan/path_length": self._path_mean.mean,
        }

    def _rng(self, purpose: str, step: int) -> torch.Generator:
        return torch_generator(self._settings.seed, purpose, step, device=self._device)

    def _styles(self, z: torch.Tensor, purpose: str, step: int, c: ClassCondition | None) -> torch.Tensor:
        """Map latents to styles (N, styles, latent_dim) with style mixing."""
        g, device = self._g, self._device
        rng = self._rng(purpose, step)
        count = len(z)
        others = torch.randn((count, z.shape[1]), generator=rng, device=device)
        first = torch.randint(1, g.styles, (count,), generator=rng, device=device)
        is_mixed = torch.rand(count, generator=rng, device=device) < self._settings.mixing
        twice = None if c is None else ClassCondition(c.labels.repeat(2), c.weight)
        w, other = g.mapping(torch.cat([z, others]), twice).chunk(2)  # (N, latent_dim) each
        g.mapping.update_mean(w.detach())
        takes_other = is_mixed[:, None] & (torch.arange(g.styles, device=device) >= first[:, None])
        return torch.where(takes_other[:, :, None], other[:, None], w[:, None])

    def _logits(
        self, images: torch.Tensor, purpose: str, step: int, c: ClassCondition | None
    ) -> torch.Tensor:
        """Return the logits (N,) of augmented images."""
        logits: torch.Tensor = self._d(augment(images, self._ada.chance, self._rng(purpose, step)), c)
        return logits.float()

    def _penalise_discriminator(self, real: torch.Tensor, step: int, c: ClassCondition | None) -> None:
        originals = real.detach().requires_grad_(True)
        penalty = r1_penalty(self._logits(originals, "augment-r1", step, c), originals).mean()
        # Times the interval: one penalty stands for the steps in between.
        loss = penalty * (self._settings.r1_gamma / 2 * self._settings.r1_interval)
        minimise(loss, self.pair.opt_d)
        self._last.r1 = penalty.detach()

    def _penalise_generator(self, count: int, step: int, c: ClassCondition | None) -> None:
        rng = self._rng("path", step)
        z = torch.randn(count, self._g.latent_dim, generator=rng, device=self._device)
        ws = self._styles(z, "path-mixing", step, None if c is None else c[:count])
        images = self._g.synthesis(ws, self._g.noise(count, self._rng("path-noise", step)))
        direction = torch.randn((count, *images.shape[1:]), generator=rng, device=self._device)
        penalty = self._path_mean.penalty(path_lengths(images, ws, direction))
        # The images times 0 give a gradient of 0 to the weights that no path length depends on.
        weight = self._settings.path_weight * self._settings.path_interval
        minimise(penalty * weight + images[:, 0, 0, 0].mean() * 0.0, self.pair.opt_g)


class _LastPenalty:
    """The last R1 penalty, logged until the next one."""

    def __init__(self, device: torch.device) -> None:
        self.r1 = torch.zeros((), device=device)

    def state_dict(self) -> dict[str, Any]:
        return {"r1": self.r1}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.r1 = state["r1"].to(self.r1.device)


def _lazy_adam(
    network: torch.nn.Module, lr: float, settings: StyleGan2Settings, interval: int
) -> torch.optim.Adam:
    """Make an optimiser with an extra step for a penalty every `interval` steps (0: none).

    With k of k + 1 steps for the loss, step size and decays are those of k / (k + 1) of a step each.
    Source: Karras et al. 2020 (arXiv 1912.04958), appendix B, "Lazy regularization".
    """
    share = interval / (interval + 1) if interval else 1.0
    return adam(network, lr * share, (settings.beta1**share, settings.beta2**share))
