"""Hashes of everything that a study was made from, by name, so that a report can state what changed since.

Names are ``params.yaml: synthesise.seed``, ``code of train_classifier``, ``network of cnn6``,
``patches/train/patches.npy`` and ``models/gan/dcgan/1/normal/generator.safetensors``.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pathgen.core.files import sha256_of
from pathgen.core.layout import CODE
from pathgen.core.params import PARAMS_FILE, read_params

#: Hash of something that does not exist.
ABSENT = "absent"


def state_hashes(root: Path) -> dict[str, str]:
    """Hash every setting and section, the code of every stage and of every classifier's network.

    Args:
        root: The checkout; files that are absent are left out.

    Returns:
        Name to SHA-256. The hash of a section does not depend on the order of its keys.

    Raises:
        PathgenError: The params file is not YAML.
    """
    found = {}
    if (root / PARAMS_FILE).is_file():
        for path, value in _settings(read_params(root / PARAMS_FILE)):
            text = json.dumps(value, sort_keys=True, default=str)
            found[f"{PARAMS_FILE}: {path}"] = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    for folder, kind in ((CODE, "code"), (CODE / "classifiers", "network")):
        for file in sorted((root / folder).glob("*.json")):
            found[f"{kind} of {file.stem}"] = f"sha256:{sha256_of(file)}"
    return found


def _settings(section: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        yield f"{before}{name}", value
        if isinstance(value, Mapping):
            yield from _settings(value, f"{before}{name}.")


def made_from(folders: Iterable[Path], state: Iterable[str] = (), root: Path = Path()) -> dict[str, str]:
    """Hash the patch sets and generators that a study reads, its settings and the code that trains.

    Args:
        folders: Folders of patch sets (``data/patches/train``) and of generators' checkpoints
            (``models/gan/dcgan/1/normal``).
        state: Names of `state_hashes`.
        root: The checkout.

    Returns:
        Name to hash; `ABSENT` where a setting or code does not exist.
    """
    there = state_hashes(root)
    found = {name: there.get(name, ABSENT) for name in state}
    for folder in folders:
        if folder.parents[2].name == "gan":
            names, depth = ["generator.safetensors"], 6
        else:
            names, depth = ["index.parquet", "patches.npy"], 3
        for file in (folder / name for name in names):
            found["/".join(file.parts[-depth:])] = f"sha256:{sha256_of(file)}"
    return found
