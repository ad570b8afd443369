"""Seeds: every random draw has its own generator, seeded from a named purpose."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Derive an independent 63-bit seed from a user's seed and a purpose.

    Args:
        seed: The seed from the settings.
        purpose: Purpose of the draw, e.g. ``"noise", step``. Different purposes give independent streams.

    Returns:
        A seed in [0, 2**63). The same on every machine and Python version.
    """
    text = "/".join([str(seed), *(str(part) for part in purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return a NumPy generator for one purpose (see `derive_seed`)."""
    return np.random.default_rng(derive_seed(seed, *purpose))


def torch_generator(
    seed: int, *purpose: str | int, device: "str | torch.device" = "cpu"
) -> "torch.Generator":
    """Return a torch generator for one purpose (see `derive_seed`) on `device`."""
    import torch  # noqa: PLC0415 - the import takes 3 s, and half of the stages do not need it

    return torch.Generator(device=device).manual_seed(derive_seed(seed, *purpose))
