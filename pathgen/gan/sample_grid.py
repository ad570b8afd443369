"""What is drawn from the same latents again and again while a generator trains, and what is made of it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import Classes, Given
from pathgen.gan.generator_spec import GanTrainer, Recipe
from pathgen.gan.online_frechet import OnlineFrechet
from pathgen.gan.overfitting import Watch
from pathgen.gan.synthesis import Drawer, to_uint8
from pathgen.gan.training_state import GRID


class SampleGrids:
    """Draws from fixed latents, and looks at what came of it; the training does not notice."""

    def __init__(
        self,
        originals: NDArray[np.uint8],
        held_out: NDArray[np.uint8],
        *,
        classes: Classes | None,
        recipe: Recipe,
        draw: Drawer,
        latent_dim: int,
        device: torch.device,
    ) -> None:
        """Draw the latents, choose the patches to compare with.

        Args:
            originals: uint8 (N, H, H, 3), those that are trained on.
            held_out: The same of patches that are not; none: only grids are drawn.
            classes: Theirs, where several are learned at once.
            recipe: Of the training.
            draw: How latents become images.
            latent_dim: Length of a latent vector.
            device: Of the training.
        """
        seed = recipe.seed
        self._grid = torch.randn(GRID, latent_dim, generator=torch_generator(seed, "grid")).to(device)
        self._classes, self._draw, self._seed = classes, draw, seed
        self._watch = None
        if len(held_out):
            self._watch = Watch(
                originals, held_out, classes=classes, batch_size=recipe.batch_size, seed=seed, device=device
            )
        self._likeness = OnlineFrechet.of(
            originals, held_out, latent_dim=latent_dim, seed=seed, device=device
        )

    @property
    def looks(self) -> bool:
        """Whether there are held-out patches to look at."""
        return self._watch is not None

    def grid(self, generator: nn.Module, strength: float) -> torch.Tensor:
        """Return (`GRID`, 3, H, H), drawn as if the generator were saved now.

        Args:
            generator: Left as it is.
            strength: How much classes count now.
        """
        return self._drawn(generator, self._grid, "grid-noise", strength)

    def look(self, players: GanTrainer, grid: torch.Tensor, strength: float) -> dict[str, float]:
        """Judge the discriminator and the generator.

        Args:
            players: In training; left as they are.
            grid: Of `grid`.
            strength: How much classes count now.

        Returns:
            What `Watch` and `OnlineFrechet` tell.
        """
        assert self._watch is not None, "there is nothing to look at"
        told = self._watch.look(players, grid, strength)
        if self._likeness is not None:
            latents = self._likeness.latents
            images = self._drawn(players.finished, latents, "likeness-noise", strength)
            told |= self._likeness.look(to_uint8(images))
        return told

    @torch.no_grad()
    def _drawn(
        self, generator: nn.Module, latents: torch.Tensor, purpose: str, strength: float
    ) -> torch.Tensor:
        was_training = generator.training
        generator.eval()
        rng = torch_generator(self._seed, purpose, device=latents.device)
        labels = None if self._classes is None else self._classes.in_turn(len(latents)).to(latents.device)
        images = []
        # In pieces: all at once would take more memory than a step.
        for first in range(0, len(latents), GRID):
            part = slice(first, first + GRID)
            given = None if labels is None else Given(labels[part], strength)
            images.append(self._draw(generator, latents[part], rng, given))
        generator.train(was_training)
        return torch.cat(images)
