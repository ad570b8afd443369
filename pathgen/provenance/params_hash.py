"""Hashes of settings and of stages' code, so that what was made earlier can be compared with what is now."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pathgen.core.files import sha256_of
from pathgen.core.layout import CODE
from pathgen.core.params import PARAMS_FILE, read_params

#: The hash of what is not there.
ABSENT = "absent"


def setting(path: str) -> str:
    """Return the name in `state_hashes` of a setting, or of a section of them, by its path with dots."""
    return f"{PARAMS_FILE}: {path}"


def code_of_stage(script: str) -> str:
    """Return the name of all code that a stage loads, by its script (see `pathgen.provenance.code_hash`)."""
    return f"code of {script}"


def network_of(classifier: str) -> str:
    """Return the name of the code of a classifier's network."""
    return f"network of {classifier}"


def state_hashes(root: Path) -> dict[str, str]:
    """Hash every setting, and the entries of all stages' code and of the classifiers' networks.

    Args:
        root: Of the checkout, with ``params.yaml`` and ``data/``; what is absent is left out.

    Returns:
        Name to SHA-256. A section's hash is of all in it, whatever the order of its keys.

    Raises:
        PathgenError: The params file is no YAML.
    """
    found = {}
    if (root / PARAMS_FILE).is_file():
        for path, value in _settings(read_params(root / PARAMS_FILE)):
            text = json.dumps(value, sort_keys=True, default=str)
            found[setting(path)] = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    for folder, name in ((CODE, code_of_stage), (CODE / "classifiers", network_of)):
        for file in sorted((root / folder).glob("*.json")):
            found[name(file.stem)] = f"sha256:{sha256_of(file)}"
    return found


def _settings(section: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        yield f"{before}{name}", value
        if isinstance(value, Mapping):
            yield from _settings(value, f"{before}{name}.")
