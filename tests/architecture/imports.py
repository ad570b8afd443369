"""Read, without running anything, which of the project's own modules a module imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pathgen", "stages")


def module_file(name: str, root: Path = ROOT) -> Path | None:
    """Return the file of a dotted module name, relative to the root; None when it is not the project's."""
    path = Path(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (root / candidate).is_file():
            return candidate
    return None


def imported_names(file: Path) -> Iterator[str]:
    """Yield the dotted names a file imports, at module level or inside functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import; the project uses absolute ones"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def direct(file: Path, root: Path = ROOT) -> set[Path]:
    """Return the project's files that one file imports directly, with the packages they are in."""
    found: set[Path] = set()
    for name in imported_names(root / file):
        parts = name.split(".")
        if parts[0] not in PACKAGES:
            continue
        for length in range(1, len(parts) + 1):
            module = module_file(".".join(parts[:length]), root)
            if module is not None:
                found.add(module)
    return found


def closure(file: Path, root: Path = ROOT) -> set[Path]:
    """Return all of the project's files that importing one file loads."""
    seen: set[Path] = set()
    waiting = [file]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting.extend(direct(current, root))
    return seen
