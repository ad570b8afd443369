"""Sample grids from fixed latents during a training, and the probes of discriminator and generator."""

import torch
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import ClassCondition, balanced_labels
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.interface import GanPair, GeneratorSettings, Sampler
from pathgen.gan.online_frechet import OnlineFrechet
from pathgen.gan.overfitting import OverfittingProbe
from pathgen.gan.synthesis import to_uint8
from pathgen.gan.training_state import GRID_SIZE


class SampleGrids:
    """Samples from fixed latents and probes the networks; the training is not affected."""

    def __init__(
        self, data: GanDataset, settings: GeneratorSettings, sampler: Sampler, device: torch.device
    ) -> None:
        """Draw the latents and choose the patches of the probes.

        Args:
            data: Patches of the training; without held-out patches there are no probes.
            settings: The recipe.
            sampler: Maps latents to images.
            device: Device of the training.
        """
        rng = torch_generator(settings.seed, "grid")
        self._z = torch.randn(GRID_SIZE, settings.latent_dim, generator=rng).to(device)
        self._sampler, self._seed, self._classes = sampler, settings.seed, data.classes
        self._probe = OverfittingProbe(data, settings, device) if len(data.held_out) else None
        self._frechet = OnlineFrechet.of(data, settings, device)

    def sample(self, g: nn.Module, weight: float) -> torch.Tensor:
        """Sample the grid.

        Args:
            g: Generator; unchanged.
            weight: Weight of the class condition.

        Returns:
            Images (`GRID_SIZE`, 3, H, H).
        """
        return self._sample(g, self._z, "grid-noise", weight)

    def probe(self, pair: GanPair, grid: torch.Tensor, weight: float) -> dict[str, float]:
        """Measure the overfitting of the discriminator and the fidelity of the generator.

        Args:
            pair: Networks in training; unchanged.
            grid: Images of `sample`.
            weight: Weight of the class condition.

        Returns:
            Metrics of `OverfittingProbe` and `OnlineFrechet`.
        """
        assert self._probe is not None, "there are no held-out patches"
        values = self._probe.measure(pair.d, grid, weight)
        if self._frechet is not None:
            images = self._sample(pair.g_final, self._frechet.z, "likeness-noise", weight)
            values |= self._frechet.measure(to_uint8(images))
        return values

    @torch.no_grad()
    def _sample(self, g: nn.Module, z: torch.Tensor, purpose: str, weight: float) -> torch.Tensor:
        was_training = g.training
        g.eval()
        rng = torch_generator(self._seed, purpose, device=z.device)
        c = None
        if self._classes:
            c = ClassCondition(balanced_labels(len(z), self._classes).to(z.device), weight)
        images = []
        # In blocks: all at once would need more memory than a training step.
        for first in range(0, len(z), GRID_SIZE):
            rows = slice(first, first + GRID_SIZE)
            images.append(self._sampler(g, z[rows], rng, None if c is None else c[rows]))
        g.train(was_training)
        return torch.cat(images)
