"""Names with accents: Unicode writes é as one character or as e and an accent, file systems keep either."""

import unicodedata
from pathlib import Path


def composed(text: str) -> str:
    """Return text with each accent in the character that it belongs to (normal form NFC)."""
    return unicodedata.normalize("NFC", text)


def as_on_disk(root: Path, name: str) -> str:
    """Return a relative path as the file system spells it.

    Args:
        root: Folder of the file.
        name: Path relative to it, in any normal form.

    Returns:
        The name itself if there is such a file, or none with an equal composed name.
    """
    if not name or (root / name).exists():
        return name
    found = root
    for part in Path(name).parts:
        if not found.is_dir():
            return name
        same = (entry for entry in sorted(found.iterdir()) if composed(entry.name) == composed(part))
        found = next(same, found / part)
    return found.relative_to(root).as_posix() if found.exists() else name
