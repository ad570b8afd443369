"""Discovery of the networks by their file names."""

import hashlib
import importlib
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError

_PACKAGE = Path(__file__).resolve().parent / "networks"


def network_names() -> list[str]:
    """Return the names of all networks, sorted: the files of `pathgen.classifier.networks`."""
    return sorted(file.stem for file in _PACKAGE.glob("*.py") if not file.stem.startswith("_"))


def load_network(name: str) -> Any:
    """Import the file of a network.

    Raises:
        PathgenError: The network does not exist, or its file lacks ``SMALLEST_IMAGE_PX``.
    """
    if name not in network_names():
        raise PathgenError(f"network {name}", "no such network", f"Choose from {network_names()}")
    module = importlib.import_module(f"pathgen.classifier.networks.{name}")
    if not isinstance(getattr(module, "SMALLEST_IMAGE_PX", None), int):
        raise PathgenError(
            f"network {name}", "lacks SMALLEST_IMAGE_PX", "Add the line SMALLEST_IMAGE_PX = 16"
        )
    return module


def read_weights(path: Path, sha256: str | None) -> bytes:
    """Read a file of pretrained weights.

    Args:
        path: File in safetensors format.
        sha256: Expected SHA-256; None fits no file.

    Raises:
        PathgenError: The file cannot be read or has another SHA-256.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        hint = "Put the file there; it is never downloaded"
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        hint = "Use the right file, or correct weights_sha256"
        raise PathgenError(path, f"its SHA-256 is {found}, not {sha256}", hint)
    return content
