"""A digest of the code that a slide's result depends on, so that no record outlives its code."""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGE = "pathgen"
_ROOT = Path(__file__).resolve().parents[2]

# They watch or word messages and cannot change a result.
_WATCHERS = frozenset((f"{_PACKAGE}.errors", f"{_PACKAGE}.progress"))
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


def _file(module: str) -> Path | None:
    path = _ROOT.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


def _imports(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, with the packages they are in."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == _PACKAGE:
                yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _closure(modules: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        file = _file(module)
        if file is None or module in found or module in _WATCHERS:
            continue
        found[module] = file
        waiting.extend(_imports(file))
    return found


@lru_cache(maxsize=16)
def code_digest(*modules: str) -> str:
    """Return a digest of the modules' source, of all that they import of this package, and of libraries.

    It is remembered for the life of the process: a Dask worker that was started before the code changed
    goes on to tell the digest of the code it runs.

    Args:
        modules: Dotted names, e.g. ``"pathgen.wsi.candidates"``.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for module, file in sorted(_closure(modules).items()):
        digest.update(f"{module}\n".encode() + file.read_bytes() + b"\0")
    for library in _LIBRARIES:
        try:
            digest.update(f"{library}=={version(library)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{library} is absent\n".encode())
    return digest.hexdigest()
