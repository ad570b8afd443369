"""Training step of StyleGAN2: R1 and path length penalties, style mixing, adaptive augmentation.

Each penalty is computed once in several steps ("lazy regularisation").

Source: Mescheder et al. 2018 (arXiv 1801.04406, equation 9) for R1, Karras et al. 2020 (arXiv 1912.04958,
section 3.2, equation 4 and appendix B) for the path length.
"""

import copy
import math

import torch
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.ada import AdaptiveAugmentation, augment
from pathgen.gan.adversarial_trainer import STATISTICS, adam, update_discriminator, update_generator
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.ema import update_ema
from pathgen.gan.generators.interface import GanPair, Precision
from pathgen.gan.generators.stylegan2.discriminator import StyleGan2Discriminator
from pathgen.gan.generators.stylegan2.generator import StyleGan2Generator
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
        self._path_mean = PathMean(settings.path_decay).to(device)
        self._last = _LastPenalty().to(device)
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
        update_ema(self._g_ema, self._g, settings.ema_decay_at(step))
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


def r1_penalty(logits: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return the squared norm of the discriminator's gradient at each original.

    Args:
        logits: (N,), computed from `images`.
        images: (N, 3, H, W), with ``requires_grad``.

    Returns:
        (N,), differentiable; the loss is its mean times ``r1_gamma / 2``.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3))


def path_lengths(images: torch.Tensor, ws: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return the length of a random image direction, propagated back to w.

    Args:
        images: (N, 3, H, W), computed from `ws`.
        ws: (N, styles, latent_dim), with ``requires_grad``.
        noise: (N, 3, H, W), standard normal.

    Returns:
        (N,), differentiable: norm of the transposed Jacobian times ``noise / sqrt(H * W)``, mean square over
        the styles.
    """
    scaled = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * scaled).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


class PathMean(nn.Module):
    """Running mean of path lengths, and the penalty on deviations from it."""

    def __init__(self, decay: float) -> None:
        super().__init__()
        self._weight = decay
        self.mean: torch.Tensor
        self.register_buffer("mean", torch.zeros(()))

    def penalty(self, lengths: torch.Tensor) -> torch.Tensor:
        """Update the mean, and return the mean square deviation from it.

        Args:
            lengths: (N,).

        Returns:
            A scalar, differentiable with respect to the lengths, not to the mean.
        """
        self.mean = self.mean.lerp(lengths.detach().mean(), self._weight)
        return (lengths - self.mean).square().mean()


class _LastPenalty(nn.Module):
    """The last R1 penalty, logged until the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.r1: torch.Tensor
        self.register_buffer("r1", torch.zeros(()))


def _lazy_adam(network: nn.Module, lr: float, settings: StyleGan2Settings, interval: int) -> torch.optim.Adam:
    """Make an optimiser with an extra step for a penalty every `interval` steps (0: none).

    With k of k + 1 steps for the loss, step size and decays are those of k / (k + 1) of a step each.
    Source: Karras et al. 2020 (arXiv 1912.04958), appendix B, "Lazy regularization".
    """
    share = interval / (interval + 1) if interval else 1.0
    return adam(network, lr * share, (settings.beta1**share, settings.beta2**share))
