"""Which of the project's own files can change what a stage writes; DVC does not follow imports.

`stages.check_params` writes the answer for each stage's script (`CODE`) and for each classifier's network,
which is loaded by its name (`NETWORKS`); a stage depends on these files.
"""

import ast
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of

ROOT = Path(__file__).resolve().parents[2]
CODE = layout.CODE
NETWORKS = Path("data/networks")
PACKAGES = ("pathgen", "stages")
# They word messages, log or start, name paths that dvc.yaml names too, or are this file: none of them
# shapes what is computed (docs/decisions/0001).
WATCHERS = (
    "pathgen/__init__.py",
    "pathgen/provenance/code_hash.py",
    "pathgen/core/errors.py",
    "pathgen/core/layout.py",
    "pathgen/core/progress.py",
    "pathgen/training/metric_logger.py",
    "pathgen/tracking",
    "stages/__init__.py",
    "stages/context.py",
)
# What can be started in `stages` and depends on no file in `CODE`.
_NO_STAGES = {"check_params", "summary", "ui"}
_HINT = "Run: dvc repro --force --single-item check_params; then repeat what you ran"
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
    files = {file for file in closure(script, root) if not _is_empty((root / file).read_bytes())}
    beside = (file for folder in {file.parent for file in files} for file in (root / folder).iterdir())
    files |= {file.relative_to(root) for file in beside if file.suffix in _TEMPLATES}
    return {file.as_posix(): sha256_of(root / file) for file in sorted(files)}


def stage_scripts(root: Path = ROOT) -> list[Path]:
    """Return the scripts of all stages that depend on their file in `CODE`, relative to the root."""
    found = [file for file in sorted((root / "stages").glob("*.py")) if file.stem not in _NO_STAGES]
    return [file.relative_to(root) for file in found if b'__name__ == "__main__"' in file.read_bytes()]


def entries(networks: Mapping[str, str], root: Path = ROOT) -> dict[Path, dict[str, Any]]:
    """Return the files that stages depend on for their code, with the content each has as the code is now.

    Args:
        networks: Classifier to the network that it is, of `pathgen.classifier.networks`.
        root: The checkout.

    Raises:
        PathgenError: A module is no Python.
    """
    found: dict[Path, dict[str, Any]] = {
        CODE / f"{script.stem}.json": {"code": code_of(script, root)} for script in stage_scripts(root)
    }
    for name, network in networks.items():
        code = code_of(Path("pathgen", "classifier", "networks", f"{network}.py"), root)
        found[NETWORKS / f"{name}.json"] = {"network": network, "code": code}
    return found


def require_unchanged(entry: Path, root: Path = ROOT) -> dict[str, Any]:
    """Refuse to run code that is not the one whose hashes a stage depends on.

    Args:
        entry: The file that holds them, which `stages.check_params` has written.
        root: The checkout.

    Returns:
        What the entry holds.

    Raises:
        PathgenError: A file has changed since, or the entry cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(entry.read_text(encoding="utf-8"))
        hashes = content["code"]
    except (OSError, ValueError, KeyError):
        raise PathgenError(entry, "does not tell the code's hashes", _HINT) from None
    for name, digest in hashes.items():
        if not (root / name).is_file() or sha256_of(root / name) != digest:
            raise PathgenError(
                name,
                "has changed since its hash was taken: DVC would record a result of other code than it names",
                _HINT,
            )
    return content


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
    try:
        names = [name.split(".") for name in imported_names((root / file).read_bytes())]
    except SyntaxError as problem:
        reason = f"is no Python: {problem.msg} in line {problem.lineno}"
        raise PathgenError(file, reason, "Mend it, and run the command again") from None
    own = {
        tuple(parts[:length])
        for parts in names
        if parts[0] in PACKAGES
        for length in range(1, len(parts) + 1)
    }
    return {module for parts in own if (module := _module_file(parts, root)) is not None}


@lru_cache(maxsize=1024)
def imported_names(source: bytes) -> tuple[str, ...]:
    """Return the dotted names that a module imports, at module level or inside functions, each once.

    Args:
        source: The module's text; its imports are absolute.
    """
    names: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "the project imports absolutely"
            names |= dict.fromkeys([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return tuple(names)


def _module_file(parts: tuple[str, ...], root: Path) -> Path | None:
    path = Path(*parts)
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if (root / candidate).is_file():
            return candidate
    return None


@lru_cache(maxsize=1024)
def _is_empty(source: bytes) -> bool:
    """Tell whether a module holds nothing but its docstring, as most packages' own do."""
    body = ast.parse(source).body
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)
