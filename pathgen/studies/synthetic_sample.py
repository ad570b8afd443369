"""Synthetic patches of the optional studies: the first ones that the stage ``synthesise`` samples."""

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core import layout
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loaded_generator import SamplePlan, load_generator
from pathgen.gan.sample_cache import cached_samples
from pathgen.gan.settings import SynthesiseSettings
from pathgen.training.settings import ComputeSettings


def sample_synthetic(
    device: torch.device,
    *,
    generator: str,
    count: int,
    sampling: SynthesiseSettings,
    compute: ComputeSettings,
) -> dict[str, NDArray[np.uint8]]:
    """Load the first synthetic patches of each class; sample those that are not in the cache.

    Args:
        device: Device to sample on.
        generator: Name of the generator.
        count: Number of patches per class.
        sampling: Section ``synthesise``.
        compute: Section ``compute``.

    Returns:
        Patches by label, uint8 (count, H, W, 3), memory-mapped.
    """
    plan = SamplePlan.of(sampling, generator, Precision(compute.precision, compute.channels_last))
    return {
        label: cached_samples(
            layout.SAMPLE_CACHE,
            load_generator(model, device=device),
            plan,
            count,
            desc=f"sample {generator}-{label}",
        )
        for label, model in layout.gan_models(generator).items()
    }
