"""Hashes of the project's files that can change what a stage writes; DVC does not follow imports.

`stages.check_params` writes a manifest per stage script (``data/code/{script}.json``), and per plugin that is
loaded by name: ``data/code/generators/{recipe}.json``, ``classifiers/{name}.json``, ``sources/{kind}.json``.
Stages depend on these files.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, sha256_of, write_json

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pathgen", "stages")
# Packages of plugins: a module there is loaded by its name, and nothing else imports it.
PLUGINS = {
    "generators": "pathgen.gan.generators",
    "classifiers": "pathgen.classifier.networks",
    "sources": "pathgen.sources",
}
# Modules that word messages, log, start stages, hash, or name paths that dvc.yaml names too: none of them
# shapes what is computed (docs/decisions/0001). What they import does not count either.
UNTRACKED_MODULES = (
    "pathgen/__init__.py",
    "pathgen/core/errors.py",
    "pathgen/core/layout.py",
    "pathgen/core/progress.py",
    "pathgen/provenance",
    "pathgen/tracking",
    "pathgen/training/metric_logger.py",
    "stages/__init__.py",
    "stages/stage.py",
)
_HINT = "Run: dvc repro --force --single-item check_params; then repeat the command"
# Files that a package's modules read from their own folder.
_TEMPLATES = {".css", ".j2"}


def code_manifest(*modules: str, root: Path = ROOT) -> dict[str, str]:
    """Return the files that the results of modules depend on: themselves, all imports, and their templates.

    Imports count wherever they stand, also inside functions. A module that is loaded by name is not found.

    Args:
        modules: Dotted names, e.g. ``stages.fidelity``.
        root: The checkout.

    Returns:
        Path from the root to the SHA-256 of the file's bytes, sorted by path. Without `UNTRACKED_MODULES`.

    Raises:
        PathgenError: A module does not exist or does not parse.
    """
    files: set[Path] = set()
    for module in modules:
        file = _module_file(tuple(module.split(".")), root)
        if file is None:
            raise PathgenError(module, "no such module", "Correct its name")
        files |= import_closure(file, root)
    for folder in {file.parent for file in files}:
        files |= {file.relative_to(root) for file in _templates(root / folder)}
    return {file.as_posix(): sha256_of(root / file) for file in sorted(files)}


def _templates(folder: Path) -> Iterator[Path]:
    """Yield the templates in a package, and in its sub-folders without Python files."""
    for entry in folder.iterdir():
        if entry.suffix in _TEMPLATES:
            yield entry
        elif entry.is_dir() and not any(entry.glob("*.py")):
            yield from _templates(entry)


def write_manifests(plugins: Mapping[str, Mapping[str, str]], root: Path = ROOT) -> None:
    """Write `manifests` to ``data/code``; replaces what is there."""
    with atomic_folder(root / layout.CODE) as draft:
        for file, content in manifests(plugins, root).items():
            write_json(draft / file.relative_to(layout.CODE), content)


def manifests(plugins: Mapping[str, Mapping[str, str]], root: Path = ROOT) -> dict[Path, dict[str, Any]]:
    """Return the files that stages depend on for their code, with the content that the code has now.

    Args:
        plugins: Kind of plugin, of `PLUGINS`, to name in params.yaml to module in the kind's package.
        root: The checkout.

    Returns:
        Path relative to the root to its content: ``module``, and ``code`` as `code_manifest` returns it.

    Raises:
        PathgenError: A module does not exist or does not parse.
    """
    modules = {name: f"stages.{name}" for name in stage_scripts(root)}
    for kind, named in plugins.items():
        modules |= {f"{kind}/{name}": f"{PLUGINS[kind]}.{module}" for name, module in named.items()}
    return {
        layout.CODE / f"{name}.json": {"module": module, "code": code_manifest(module, root=root)}
        for name, module in modules.items()
    }


def stage_scripts(root: Path = ROOT) -> list[str]:
    """Return the names of all modules in ``stages`` that can be started."""
    files = sorted((root / "stages").glob("*.py"))
    return [file.stem for file in files if b'__name__ == "__main__"' in file.read_bytes()]


def check_unchanged(manifest: Path, root: Path = ROOT) -> tuple[str, dict[str, str]]:
    """Refuse code that is not the code that a stage depends on.

    Args:
        manifest: File that holds the hashes, written by `stages.check_params`.
        root: The checkout.

    Returns:
        Name of the manifest's module, and its files with their SHA-256, see `code_manifest`.

    Raises:
        PathgenError: A file has changed since, or the manifest cannot be read.
    """
    try:
        content = json.loads((root / manifest).read_text(encoding="utf-8"))
        module, hashes = str(content["module"]), dict(content["code"])
    except (OSError, ValueError, KeyError, TypeError):
        raise PathgenError(manifest, "does not hold the hashes of the code", _HINT) from None
    for name, digest in hashes.items():
        if not (root / name).is_file() or sha256_of(root / name) != digest:
            reason = "has changed since its hash was taken: DVC would record other code than has run"
            raise PathgenError(name, reason, _HINT)
    return module, hashes


def import_closure(file: Path, root: Path = ROOT) -> set[Path]:
    """Return all of the project's files that a module loads, without `UNTRACKED_MODULES` and their imports.

    Args:
        file: The module's file, relative to `root`.
        root: The checkout.
    """
    seen: set[Path] = set()
    waiting = [file]
    while waiting:
        file = waiting.pop()
        untracked = any(Path(entry) in (file, *file.parents) for entry in UNTRACKED_MODULES)
        if file not in seen and not untracked:
            seen.add(file)
            waiting.extend(direct_imports(file, root))
    return seen


def direct_imports(file: Path, root: Path = ROOT) -> set[Path]:
    """Return the project's files that one file imports directly, with the packages that hold them.

    Raises:
        PathgenError: The file does not parse.
    """
    try:
        names = [name.split(".") for name in imported_names((root / file).read_bytes())]
    except SyntaxError as problem:
        reason = f"is not valid Python: {problem.msg} in line {problem.lineno}"
        raise PathgenError(file, reason, "Correct it, and run the command again") from None
    own = [parts for parts in names if parts[0] in PACKAGES]
    modules = {tuple(parts[:length]) for parts in own for length in range(1, len(parts) + 1)}
    return {place for parts in modules if (place := _module_file(parts, root)) is not None}


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
