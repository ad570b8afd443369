"""The classifiers by name, and how one is built with weights that depend on its seed alone."""

from collections.abc import Callable

import torch
from torch import nn

from pathgen.classifier.cnn6 import SMALLEST_IMAGE_PX, Cnn6
from pathgen.errors import PathgenError
from pathgen.seeding import derive_seed

#: Name to builder. A builder takes the side of the patches in pixels and returns a network that maps
#: float32 (N, 3, H, W) in [-1, 1] to log-probabilities (N, 2) of normal and tumor.
CLASSIFIERS: dict[str, Callable[[int], nn.Module]] = {"cnn6": Cnn6}


def build_classifier(name: str, image_size_px: int, seed: int) -> nn.Module:
    """Build a classifier with fresh weights.

    Args:
        name: A key of `CLASSIFIERS`.
        image_size_px: Side of the patches in pixels.
        seed: Decides the weights.

    Returns:
        The network, on the CPU, in training mode; weights distributed as torch does by default.

    Raises:
        PathgenError: There is no such classifier, or the patches are too small for it.
    """
    if name not in CLASSIFIERS:
        raise PathgenError(f"classifier {name}", "no such classifier", f"Choose from {sorted(CLASSIFIERS)}")
    if image_size_px < SMALLEST_IMAGE_PX:
        reason = f"patches of {image_size_px} px are too small, it needs {SMALLEST_IMAGE_PX} px"
        raise PathgenError(f"classifier {name}", reason, "Extract larger patches")
    # torch's layers draw their default weights inside their constructors and take no generator. Lending
    # them a seeded copy of the global one keeps those distributions for every network there is, without
    # a second copy of torch's rules, and gives the caller's generator back untouched.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        return CLASSIFIERS[name](image_size_px)
