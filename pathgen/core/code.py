"""Which of the project's own files can change what a stage writes; DVC does not follow imports.

`stages.check_params` writes the answer for each stage's script (`CODE`) and for each classifier's network,
which is loaded by its name (`NETWORKS`); a stage depends on these files.
"""

import ast
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pathgen.core.files import sha256_of
from pathgen.errors import PathgenError

ROOT = Path(__file__).resolve().parents[2]
CODE = Path("data/code")
NETWORKS = Path("data/networks")
PACKAGES = ("pathgen", "stages")
# They watch, word messages, draw, record or start: no output depends on them (docs/decisions/0001).
WATCHERS = (
    "pathgen/__init__.py",
    "pathgen/errors.py",
    "pathgen/progress.py",
    "pathgen/recording.py",
    "pathgen/tracking",
    "stages/__init__.py",
    "stages/handover.py",
    "stages/runtime.py",
    "stages/warm.py",
)
# They are no stages that depend on their code in this way.
_NO_STAGES = {"check_params", "finish", "ui"}
# What a package's modules read that lies beside them.
_TEMPLATES = {".css", ".j2"}


def code_of(script: Path, root: Path = ROOT) -> dict[str, str]:
    """Return the files that a module's results depend on: itself, all that it imports, and their templates.

    Imports count wherever they stand, also inside functions. A module that is loaded by its name alone is
    not found.

    Args:
        script: The module's file, relative to `root`.
        root: The checkout.

    Returns:
        Path from the root to the SHA-256 of the file's bytes, sorted by path. Without `WATCHERS`, and without
        modules that hold nothing but a docstring.
    """
    files = {file for file in closure(script, root) if not _is_empty(root / file)}
    beside = (file for folder in {file.parent for file in files} for file in (root / folder).iterdir())
    files |= {file.relative_to(root) for file in beside if file.suffix in _TEMPLATES}
    return {file.as_posix(): sha256_of(root / file) for file in sorted(files)}


def stage_scripts(root: Path = ROOT) -> list[Path]:
    """Return the scripts of all stages that depend on their file in `CODE`, relative to the root."""
    found = [file for file in sorted((root / "stages").glob("*.py")) if file.stem not in _NO_STAGES]
    scripts = [file for file in found if b'__name__ == "__main__"' in file.read_bytes()]
    return [file.relative_to(root) for file in scripts if not is_watcher(file.relative_to(root))]


def require_unchanged(entry: Path, root: Path = ROOT) -> None:
    """Refuse to run code that is not the one whose hashes a stage depends on.

    Args:
        entry: The file that holds them, which `stages.check_params` has written.
        root: The checkout.

    Raises:
        PathgenError: A file has changed since, or the entry cannot be read.
    """
    try:
        hashes = json.loads(entry.read_text(encoding="utf-8"))["code"]
    except (OSError, ValueError, KeyError):
        raise PathgenError(entry, "does not tell the code's hashes", "Run dvc repro check_params") from None
    for name, digest in hashes.items():
        if not (root / name).is_file() or sha256_of(root / name) != digest:
            raise PathgenError(
                name,
                "has changed since the pipeline began: DVC would record a result of other code than it names",
                "Run dvc repro again; it repeats what the change affects",
            )


def closure(script: Path, root: Path = ROOT) -> set[Path]:
    """Return all of the project's files that a module loads, but for `WATCHERS` and what these load.

    Args:
        script: The module's file, relative to `root`.
        root: The checkout.
    """
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in seen and not is_watcher(file):
            seen.add(file)
            waiting.extend(direct(file, root))
    return seen


def is_watcher(file: Path) -> bool:
    """Tell whether a file, relative to the root, is one of `WATCHERS`."""
    return any(file == Path(entry) or Path(entry) in file.parents for entry in WATCHERS)


def direct(file: Path, root: Path = ROOT) -> set[Path]:
    """Return the project's files that one file imports directly, with the packages they are in."""
    found: set[Path] = set()
    for name in imported_names((root / file).read_bytes()):
        parts = name.split(".")
        if parts[0] in PACKAGES:
            packages = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
            found |= {module for package in packages if (module := _module_file(package, root)) is not None}
    return found


@lru_cache(maxsize=1024)
def imported_names(source: bytes) -> tuple[str, ...]:
    """Return the dotted names that a module imports, at module level or inside functions.

    Args:
        source: The module's text; its imports are absolute.
    """
    return tuple(_imported_names(ast.parse(source)))


def _imported_names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "the project imports absolutely"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_file(name: str, root: Path) -> Path | None:
    path = Path(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (root / candidate).is_file():
            return candidate
    return None


def _is_empty(file: Path) -> bool:
    """Tell whether a module holds nothing but its docstring, as most packages' own do."""
    body = ast.parse(file.read_bytes()).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
