"""What a generator brings along to be trained, kept and drawn from."""

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.gan.conditioning import Given
from pathgen.gan.dataloader import Augment, ImageStream, Stream
from pathgen.gan.synthesis import Drawer


class Recipe(Protocol):
    """What the loop asks of the numbers that shape a training: a frozen dataclass of plain values."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def batch_size(self) -> int:
        """Originals per step."""

    @property
    def steps(self) -> int:
        """Steps in all."""

    @property
    def augment(self) -> Augment:
        """How originals are turned."""

    @property
    def seed(self) -> int:
        """Of every draw."""


class GanTrainer(Protocol):
    """What the loop asks of two networks in training."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of what `step` tells."""

    @property
    def discriminator(self) -> nn.Module:
        """Images (N, 3, H, W) to logits (N,)."""

    @property
    def finished(self) -> nn.Module:
        """The generator to keep."""

    def step(
        self, real: torch.Tensor, latents: torch.Tensor, *, number: int, given: Given | None = None
    ) -> dict[str, torch.Tensor]:
        """Train on one batch.

        Returns:
            Each of `statistics` as a scalar.
        """

    def are_finite(self) -> bool:
        """Tell whether all weights are finite."""

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Return all that steps change: tensors, and a JSON description."""

    def restore(self, tensors: Mapping[str, torch.Tensor], described: Mapping[str, Any]) -> None:
        """Take over a `state`."""


def shuffled(
    images: NDArray[np.uint8],
    *,
    recipe: Recipe,
    units: NDArray[np.int64] | None,
    device: torch.device,
) -> ImageStream:
    """Return a stream that shows every original once per epoch, whoever it is of."""
    return ImageStream(
        images,
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        seed=recipe.seed,
        device=device,
    )


@dataclass(frozen=True)
class Architecture:
    """How to build, train and load a generative adversarial pair.

    Attributes:
        generator: Called with ``image_size`` and the options of its settings, by keyword. The module maps
            latents (N, latent_dim) to images (N, 3, H, W), about [-1, 1]; it has a ``latent_dim``.
        discriminator: Called with the same. The module maps images to logits (N,); in eval mode, each image's
            by itself.
        initialise: Draws the weights of either from a seed.
        recipe: The dataclass of the numbers that shape its training.
        players: Called with this object, ``image_size``, ``options``, ``recipe``, ``device``, ``bf16`` and
            ``channels_last``: the pair in training.
        drawer: Called with its own settings of synthesis, by keyword, or with nothing for all that was
            learned: how latents become images.
        stream: Called with the originals, ``recipe``, ``units`` (see `train_generator`) and ``device``:
            what each step is shown.
        guarantee: Called with the recipe: what model.json tells of differential privacy; None: there is none.
        told: Called with the recipe and a number of steps: what is known of a training after them without
            looking, beside the means of its statistics. The names are the same after each step.
    """

    generator: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module]
    initialise: Callable[[nn.Module, int], None]
    recipe: Callable[..., Recipe]
    players: Callable[..., GanTrainer]
    drawer: Callable[..., Drawer]
    stream: Callable[..., Stream] = shuffled
    guarantee: Callable[[Any], dict[str, Any] | None] = lambda _: None
    told: Callable[[Any, int], dict[str, float]] = lambda _, __: {}
