"""Generators: one module or package each, found by its file name. `interface` defines their content."""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from pathgen.core.errors import PathgenError

if TYPE_CHECKING:
    from pathgen.gan.generators.interface import Generator

_FOLDER = Path(__file__).parent
_NOT_A_GENERATOR = ("__", "interface")


def names() -> list[str]:
    """Return the names of all generators: the modules and packages of this folder, sorted."""
    entries = {entry.stem for entry in _FOLDER.iterdir() if entry.suffix == ".py" or entry.is_dir()}
    return sorted(name for name in entries if not name.startswith(_NOT_A_GENERATOR))


def load(network: str, subject: str = "network") -> "Generator":
    """Import a generator.

    Args:
        network: Name of its module, e.g. ``dcgan``.
        subject: Setting that names it, for the message.

    Returns:
        The module's ``GENERATOR``.

    Raises:
        PathgenError: There is no such module.
    """
    if network not in names():
        hint = f"Choose one of {', '.join(names())}"
        raise PathgenError(subject, f"is {network!r}, which is not a generator", hint)
    generator: Generator = importlib.import_module(f"{__name__}.{network}").GENERATOR
    return generator
