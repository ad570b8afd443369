"""Discovery of the networks by their file names, without importing torch."""

import ast
import hashlib
from pathlib import Path

from pathgen.core.errors import PathgenError

_PACKAGE = Path(__file__).resolve().parent / "networks"


def network_names() -> list[str]:
    """Return the names of all networks, sorted: the files of `pathgen.classifier.networks`."""
    return sorted(file.stem for file in _PACKAGE.glob("*.py") if not file.stem.startswith("_"))


def smallest_image_px(name: str) -> int:
    """Read ``SMALLEST_IMAGE_PX`` of a network, the side in pixels of its smallest patch, from its source.

    Raises:
        PathgenError: The network does not exist, or its file lacks the constant.
    """
    if name not in network_names():
        raise PathgenError(f"network {name}", "no such network", f"Choose from {network_names()}")
    file = _PACKAGE / f"{name}.py"
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="SMALLEST_IMAGE_PX")], value=ast.Constant(value=int(pixels))
            ):
                return pixels
    raise PathgenError(file, "lacks SMALLEST_IMAGE_PX", "Add the line SMALLEST_IMAGE_PX = 16")


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
