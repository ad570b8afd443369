"""Whether DVC keeps every output twice, and how much room the disk has."""

import shutil
import subprocess
import sys
from pathlib import Path

# File systems on which a copy shares its blocks with the original until one is changed.
_SHARING = frozenset(("btrfs", "xfs", "apfs", "bcachefs", "ocfs2"))
_DEFAULT = "reflink,copy"


def copies_of_outputs(root: Path) -> int:
    """Return how often DVC keeps an output on disk: 1 where workspace and cache share it, else 2.

    Args:
        root: The checkout.
    """
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "config", "cache.type"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    kinds = (asked.stdout.strip() if asked.returncode == 0 else "") or _DEFAULT
    return copies_with(kinds, file_system(root))


def copies_with(kinds: str, system: str) -> int:
    """Return the copies under DVC's setting cache.type, of which the first kind that works is used.

    Args:
        kinds: E.g. ``reflink,copy``.
        system: Type of the file system, e.g. ``ext4``.
    """
    for kind in kinds.replace(" ", "").split(","):
        if kind in ("hardlink", "symlink") or (kind == "reflink" and system in _SHARING):
            return 1
        if kind == "copy":
            return 2
    return 2


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder; empty where it is not known."""
    place, table = folder.resolve(), Path("/proc/self/mounts")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    mounts = {Path(cells[1]): cells[2] for cells in map(str.split, lines)}
    return next((mounts[above] for above in (place, *place.parents) if above in mounts), "")


def free_bytes(folder: Path) -> int:
    """Return the room that is left on the disk of a folder."""
    return shutil.disk_usage(folder).free
