"""The two networks, their optimisers and the averaged generator: one training step, and their state."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from pathgen.checkpoint import flatten_state, load_optimizer, restore_state
from pathgen.gan.losses import discriminator_loss, generator_loss
from pathgen.gan.registry import GENERATORS
from pathgen.seeding import derive_seed

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

# One grey level: originals that are all alike have no spread to compare with.
_LEVEL = 1 / 127.5


class Players:
    """Generator and discriminator in training, and the generator's moving average."""

    def __init__(
        self,
        architecture: str,
        *,
        image_size: int,
        options: Mapping[str, int],
        lr_generator: float,
        lr_discriminator: float,
        betas: tuple[float, float],
        real_target: float,
        ema_decay: float,
        seed: int,
        device: torch.device,
        bf16: bool,
        channels_last: bool,
    ) -> None:
        built = GENERATORS[architecture]
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.generator = built.generator(image_size=image_size, **options)
        self.discriminator = built.discriminator(image_size=image_size, **options)
        for purpose, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            built.initialise(network, derive_seed(seed, purpose))
            network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if ema_decay else None
        # One kernel for all weights; on a CPU it saves about a third of the step's overhead.
        self._adam_generator = torch.optim.Adam(
            self.generator.parameters(), lr=lr_generator, betas=betas, fused=True
        )
        self._adam_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), lr=lr_discriminator, betas=betas, fused=True
        )
        self._real_target = real_target
        self._ema_decay = ema_decay
        self._layout = layout
        self._autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16)

    @property
    def finished(self) -> nn.Module:
        """The generator to keep: the average where there is one."""
        return self.generator if self.average is None else self.average

    def step(self, real: torch.Tensor, latents: torch.Tensor, *, number: int) -> dict[str, torch.Tensor]:
        """Train the discriminator on one batch, then the generator against it.

        Args:
            real: (N, 3, H, W) original images in [-1, 1].
            latents: (N, latent_dim) standard normal.
            number: Of the step, from 0.

        Returns:
            Each of `STATISTICS` as a detached scalar on the device.
        """
        real = real.contiguous(memory_format=self._layout)
        with self._autocast:
            fake = self.generator(latents)
        statistics = self._step_discriminator(real, fake.detach()) | self._step_generator(fake)
        if self.average is not None:
            # The average of few steps reaches back no further than they do.
            _average_into(self.average, self.generator, min(self._ema_decay, (1 + number) / (10 + number)))
        # Pixels' standard deviation over the batch, against the originals': falls to 0 in a collapse.
        return statistics | {
            "gan/spread_ratio": _spread(fake.detach().float()) / _spread(real).clamp(min=_LEVEL)
        }

    def _step_discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        self._adam_discriminator.zero_grad(set_to_none=True)
        with self._autocast:
            # Two batches, not one of both: BatchNorm's statistics must not tell real from fake by their mix.
            real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
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
            "gan/grad_norm_discriminator": _grad_norm(self.discriminator),
        }

    def _step_generator(self, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        self._adam_generator.zero_grad(set_to_none=True)
        with _frozen(self.discriminator):
            with self._autocast:
                logits = self.discriminator(fake)
            loss = generator_loss(logits.float())
            loss.backward()  # type: ignore[no-untyped-call]
        self._adam_generator.step()
        return {
            "gan/generator_loss": loss.detach(),
            "gan/grad_norm_generator": _grad_norm(self.generator),
        }

    def are_finite(self) -> bool:
        """Tell whether every weight and running statistic is a finite number."""
        tensors = [*self.generator.state_dict().values(), *self.discriminator.state_dict().values()]
        return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        parts: dict[str, nn.Module | torch.optim.Optimizer] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "adam_generator": self._adam_generator,
            "adam_discriminator": self._adam_discriminator,
        }
        return parts if self.average is None else {**parts, "average": self.average}

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all weights and moments as tensors, and their JSON description."""
        tensors: dict[str, torch.Tensor] = {}
        described = {}
        for name, part in self._parts().items():
            own, described[name] = flatten_state(name, part.state_dict())
            tensors.update(own)
        return tensors, described

    def restore(self, tensors: Mapping[str, torch.Tensor], described: Mapping[str, Any]) -> None:
        """Take over a `state` made with the same arguments."""
        for name, part in self._parts().items():
            state = restore_state(tensors, described[name])
            if isinstance(part, torch.optim.Optimizer):
                load_optimizer(part, state)
            else:
                part.load_state_dict(state)


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network without computing those of its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)


def _spread(images: torch.Tensor) -> torch.Tensor:
    """Return the mean over pixels of the standard deviation over the batch."""
    # Written out: Tensor.std over the batch axis takes ten times as long on a CPU.
    return (images.square().mean(0) - images.mean(0).square()).clamp(min=0.0).sqrt().mean()


def _grad_norm(network: nn.Module) -> torch.Tensor:
    grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return torch.nn.utils.get_total_norm(grads)


@torch.no_grad()
def _average_into(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move an average towards a network: weights and running statistics; counters are copied."""
    pairs = [
        (own, other)
        for own, other in zip(average.state_dict().values(), network.state_dict().values(), strict=True)
        if own.is_floating_point()
    ]
    torch._foreach_lerp_([own for own, _ in pairs], [other for _, other in pairs], 1.0 - decay)
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        if not own.is_floating_point():
            own.copy_(other)
