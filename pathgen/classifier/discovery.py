"""Which networks there are, and what can be told of each without loading torch."""

import ast
import hashlib
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.provenance.code_hash import code_manifest

_PACKAGE = Path(__file__).resolve().parent / "networks"
_ROOT = _PACKAGE.parents[2]


def network_names() -> list[str]:
    """Return the names of all networks, sorted: the files of `pathgen.classifier.networks`."""
    return sorted(file.stem for file in _PACKAGE.glob("*.py") if not file.stem.startswith("_"))


def network_file(name: str) -> Path:
    """Return the file of a network.

    Args:
        name: Its name, e.g. ``cnn6``.

    Raises:
        PathgenError: There is no such network.
    """
    if name not in network_names():
        raise PathgenError(f"network {name}", "no such network", f"Choose from {network_names()}")
    return _PACKAGE / f"{name}.py"


def smallest_image_px(name: str) -> int:
    """Read the side of the smallest patch that a network takes, in pixels, from its source.

    Raises:
        PathgenError: There is no such network, or its file does not say.
    """
    file = network_file(name)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="SMALLEST_IMAGE_PX")], value=ast.Constant(value=int(pixels))
            ):
                return pixels
    raise PathgenError(file, "does not say SMALLEST_IMAGE_PX", "Add the line SMALLEST_IMAGE_PX = 16")


def code_digests(name: str) -> dict[str, str]:
    """Return what a network's code is, see `code_manifest`.

    Args:
        name: The network's name.

    Returns:
        Path from the project's root to the SHA-256 of the file's bytes, sorted by path.

    Raises:
        PathgenError: There is no such network.
    """
    file = network_file(name).relative_to(_ROOT)
    return code_manifest(".".join(file.with_suffix("").parts), root=_ROOT)


def read_weights(path: Path, sha256: str | None) -> bytes:
    """Read a file of pretrained weights.

    Args:
        path: The file.
        sha256: What its SHA-256 must be; None fits no file.

    Raises:
        PathgenError: It cannot be read, or is another file.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        hint = "Put the file there; it is never downloaded"
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        hint = "Give the file that is meant, or its SHA-256 as weights_sha256"
        raise PathgenError(path, f"its SHA-256 is {found}, not {sha256}", hint)
    return content
