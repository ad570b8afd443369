"""Hashes of settings and of stages' code by name, to find out whether a result is out of date."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pathgen.core.files import sha256_of
from pathgen.core.layout import CODE
from pathgen.core.params import PARAMS_FILE, read_params

#: Hash of something that does not exist.
ABSENT = "absent"


def setting(path: str) -> str:
    """Return the name in `state_hashes` of a setting or section, by its dotted path."""
    return f"{PARAMS_FILE}: {path}"


def code_of_stage(script: str) -> str:
    """Return the name in `state_hashes` of all code that a stage loads, by its script."""
    return f"code of {script}"


def network_of(classifier: str) -> str:
    """Return the name in `state_hashes` of the code of a classifier's network."""
    return f"network of {classifier}"


def state_hashes(root: Path) -> dict[str, str]:
    """Hash every setting, and the entries of all stages' code and of the classifiers' networks.

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
