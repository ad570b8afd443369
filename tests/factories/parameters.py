"""Parameters changed by their paths."""

import copy
from collections.abc import Mapping
from typing import Any


def changed_params(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy in which values, each named by its path with dots, are replaced; each must exist."""
    changed = copy.deepcopy(dict(params))
    for path, value in changes.items():
        *sections, name = path.split(".")
        part = changed
        for section in sections:
            part = part[section]
        assert name in part, f"{path} is no parameter"
        part[name] = value
    return changed
