"""SHA-256 of large files, remembered until they change."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from pathgen.core import layout
from pathgen.core.dvc_copy import from_original
from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of, write_json

_SMALL_BYTES = 1 << 20
# Clocks of file systems have steps: a file that changes twice within one keeps its times.
_SETTLED_S = 2.0


def remembered_sha256(path: Path) -> str:
    """Return the SHA-256 of all bytes of a file; a large file that is unchanged is not read again.

    Digests of files above 1 MiB are kept in ``work/digests`` of the checkout that is the working folder, one
    small file each. A file counts as unchanged if its size, inode, and times of modification and of change
    are the same: no ordinary program can set back the last one. Elsewhere nothing is kept.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.

    Raises:
        PathgenError: The file has changed while it was read.
    """
    state = _state(path)
    if state["size"] <= _SMALL_BYTES or not layout.PIPELINE.is_file():
        return sha256_of(path)
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    entry = from_original(layout.DIGESTS) / f"{name}.json"
    known = _read(entry)
    if known.get("state") == state and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    began = time.time()
    digest = sha256_of(path)
    if _state(path) != state:
        raise PathgenError(path, "has changed while it was read", "Run it again when the file is complete")
    if began - max(state["modified_ns"], state["changed_ns"]) / 1e9 > _SETTLED_S:
        # What cannot be kept is read again; another thread may be writing the same entry.
        with suppress(OSError):
            write_json(entry, {"state": state, "sha256": digest})
    return digest


def _state(path: Path) -> dict[str, int]:
    found = path.stat()
    return {
        "size": found.st_size,
        "inode": found.st_ino,
        "device": found.st_dev,
        "modified_ns": found.st_mtime_ns,
        "changed_ns": found.st_ctime_ns,
    }


def _read(entry: Path) -> dict[str, object]:
    try:
        content = json.loads(entry.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
