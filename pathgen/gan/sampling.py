"""A trained generator, ready to draw: from a checkpoint to patches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.errors import PathgenError
from pathgen.gan import checkpoint as model
from pathgen.gan.checkpoint import CheckpointMeta, load_discriminator, load_meta
from pathgen.gan.registry import GENERATORS
from pathgen.gan.synthesis import BLOCK, PLAIN, Arithmetic, Choice, Drawer, synthesise


@dataclass(frozen=True)
class LoadedGenerator:
    """A trained generator.

    Attributes:
        checkpoint: The folder it was loaded from.
        card: What model.json tells.
        network: Latents to images, in eval mode.
        device: Where it computes.
    """

    checkpoint: Path
    card: CheckpointMeta
    network: nn.Module
    device: torch.device

    def sample(self, count: int, *, seed: int, best_of: int = 1, **drawing: object) -> NDArray[np.uint8]:
        """Draw patches into memory.

        Patch i depends on the checkpoint, the seed, the settings of drawing and i alone: more patches of
        a seed begin with the fewer ones, and all are those that the stage `synthesise` draws with the same
        settings and ``compute.precision: fp32`` (on the same machine, with as many threads).

        Args:
            count: How many, from number 0.
            seed: Of the latents.
            best_of: Candidates per patch, of which the discriminator chooses; 1: no choice. It has learnt
                from patients' patches, so that a choice may give away more of them.
            drawing: Settings of drawing that the generator has: `truncation_psi` and `noise` of StyleGAN2,
                see `StyleGan2DrawingSettings`; by default all that was learned is drawn.

        Returns:
            uint8 of shape (count, H, W, 3), RGB.

        Raises:
            PathgenError: A setting is not the generator's or has no meaning.
        """
        if count < 1:
            raise PathgenError("count", f"is {count}", "Ask for at least one patch")
        batches = self.batches(seed=seed, count=count, batch_size=BLOCK, best_of=best_of, drawing=drawing)
        patches = np.empty((count, self.card.image_size, self.card.image_size, 3), dtype=np.uint8)
        for number, batch in enumerate(batches):
            patches[number * BLOCK : number * BLOCK + len(batch)] = batch
        return patches

    def batches(
        self,
        *,
        seed: int,
        count: int,
        batch_size: int,
        best_of: int = 1,
        drawing: dict[str, object] | None = None,
        arithmetic: Arithmetic = PLAIN,
        first: int = 0,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw patches one batch after the other, see `synthesise` and `sample` for the arguments."""
        draw = self._drawer(drawing or {})
        if best_of < 1:
            raise PathgenError("best_of", f"is {best_of}", "Set it to 1 for no choice, or higher")
        choice = Choice(load_discriminator(self.checkpoint), best_of) if best_of > 1 else None
        return synthesise(
            self.network,
            seed=seed,
            count=count,
            batch_size=batch_size,
            device=self.device,
            draw=draw,
            choice=choice,
            arithmetic=arithmetic,
            first=first,
        )

    def _drawer(self, drawing: dict[str, object]) -> Drawer:
        try:
            return GENERATORS[self.card.architecture].drawer(**drawing)
        except TypeError:
            given = ", ".join(sorted(drawing))
            reason = f"{self.card.architecture} does not take all of: {given}"
            raise PathgenError("settings of drawing", reason, "Leave out what it does not have") from None


def load_generator(checkpoint: str | Path, *, device: str | torch.device = "cpu") -> LoadedGenerator:
    """Load a trained generator to draw patches from it, in any program.

    Args:
        checkpoint: Folder of a checkpoint, e.g. ``models/gan/dcgan-tumor``.
        device: Where to compute, e.g. ``cuda``. Another device rounds otherwise.

    Returns:
        The generator; `LoadedGenerator.sample` draws.

    Raises:
        PathgenError: A file is missing or damaged, or was not written by pathgen.
    """
    folder = Path(checkpoint)
    # By the module's name: as a bare name it would be this function.
    return LoadedGenerator(folder, load_meta(folder), model.load_generator(folder), torch.device(device))
