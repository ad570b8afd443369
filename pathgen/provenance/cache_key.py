"""The key of a cached result: everything that shapes it, by name."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from pathgen.core.files import sha256_of


@dataclass(frozen=True)
class CacheKey:
    """Everything that shapes a result. Equal keys give equal bytes on one kind of machine.

    Attributes:
        settings: Name to plain value, nested as in params.yaml; ``model_dump()`` of a settings object.
        inputs: Name of an input, e.g. its path, to a hash of its content.
        code: Path of a file of the project to its SHA-256 (`pathgen.provenance.code_hash.code_manifest`).
        libraries: Name of a library to its version (`library_versions`).
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the key, 64 hexadecimal digits; the order of names does not count."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return the key's fields as JSON holds them: tuples become lists."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False))
        return content

    def without_input(self, name: str) -> "CacheKey":
        """Return the key without one of its inputs, to find results that differ in nothing else."""
        return replace(self, inputs={other: digest for other, digest in self.inputs.items() if other != name})


def library_versions(*names: str) -> dict[str, str]:
    """Return the installed version of each library, ``absent`` where it is not installed."""
    return {name: _version(name) for name in names}


@cache  # reads a file, for each of thousands of jobs
def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def file_hashes(*paths: Path, root: Path = Path()) -> dict[str, str]:
    """Hash files, and all files in folders, except hidden ones.

    Args:
        paths: Files or folders, relative to `root`.
        root: The checkout.

    Returns:
        Path relative to `root`, with ``/``, to SHA-256. A path that does not exist is left out.
    """
    found: dict[str, str] = {}
    for path in paths:
        place = root / path
        files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
        found |= {
            file.relative_to(root).as_posix(): sha256_of(file)
            for file in sorted(files)
            if not file.name.startswith(".")
        }
    return found
