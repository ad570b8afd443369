"""What a training leaves; a file of its own, so that what loads and draws need not know how one trains."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True)
class TrainedGan:
    """What a training leaves.

    Attributes:
        architecture: Name in `GENERATORS`.
        options: What the networks were built with, besides the image size.
        image_size: Side in px.
        generator: In eval mode; the moving average where the recipe has one.
        discriminator: In eval mode.
        history: One row per log interval: ``kimg`` and the mean of each of its players' statistics.
        overfitting: One row per look at held-out patches: ``kimg`` and each of `LOOKS` and
            `FRECHET_KEYS`; none without them.
        pictures: (kimg shown, 8x8 grid uint8 (H, W, 3)) over the training; the same latents in each.
        facts: Recipe, compute choices and digest of the data, as JSON knows them.
    """

    architecture: str
    options: dict[str, int]
    image_size: int
    generator: nn.Module
    discriminator: nn.Module
    history: pd.DataFrame
    overfitting: pd.DataFrame
    pictures: list[tuple[float, NDArray[np.uint8]]]
    facts: dict[str, Any]
