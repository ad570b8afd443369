"""A digest of the code that a slide's result depends on, so that no record outlives its code."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pathgen.provenance.code_hash import imported_names

_PACKAGE = "pathgen"
_ROOT = Path(__file__).resolve().parents[2]

# They watch or word messages and cannot change a result.
_WATCHERS = frozenset(
    f"{_PACKAGE}.{part}" for part in ("provenance.code_hash", "core.errors", "core.progress")
)
_LIBRARIES = (
    "h5py",
    "imagecodecs",
    "numpy",
    "openslide-bin",
    "openslide-python",
    "pandas",
    "pillow",
    "pyarrow",
    "scipy",
    "shapely",
    "simplejpeg",
    "tifffile",
)


def _read_sources() -> dict[str, bytes]:
    """Return the source of every module of this package by its dotted name."""
    found = {}
    for file in sorted((_ROOT / _PACKAGE).rglob("*.py")):
        parts = file.relative_to(_ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file.read_bytes()
    return found


def _installed(library: str) -> str:
    try:
        return f"{library}=={version(library)}"
    except PackageNotFoundError:
        return f"{library} is absent"


# Read once, when a process starts: what a Dask worker has imported does not change with the files.
_SOURCES = _read_sources()
_INSTALLED = tuple(_installed(library) for library in _LIBRARIES)


def _imports(source: bytes) -> Iterator[str]:
    """Yield the dotted names that a module imports, with the packages they are in."""
    for name in imported_names(source):
        parts = name.split(".")
        yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _closure(modules: tuple[str, ...]) -> list[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in _SOURCES or module in found or module in _WATCHERS:
            continue
        found.add(module)
        waiting.extend(_imports(_SOURCES[module]))
    return sorted(found)


@lru_cache(maxsize=16)
def code_digest(*modules: str) -> str:
    """Return a digest of the modules' source, of all that they import of this package, and of libraries.

    The source is that of the moment when this process imported this module: a Dask worker that was started
    before the code changed goes on to tell the digest of the code it runs.

    Args:
        modules: Dotted names, e.g. ``"pathgen.wsi.candidates"``.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for module in _closure(modules):
        digest.update(f"{module}\n".encode() + _SOURCES[module] + b"\0")
    for library in _INSTALLED:
        digest.update(f"{library}\n".encode())
    return digest.hexdigest()
