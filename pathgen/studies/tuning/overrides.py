"""Fields of a whole params file, by their paths with dots; what a trial has chosen, as fields."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning.settings import Dimension

_DIGITS = 3


def field_value(params: Mapping[str, Any], field: str) -> Any:
    """Return what a field holds.

    Args:
        params: A params file as `pathgen.core.params.read_params` returns it.
        field: The path, e.g. ``train_classifier.learning_rate``.

    Returns:
        The value.

    Raises:
        PathgenError: There is no such field.
    """
    found: Any = params
    for name in field.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise PathgenError(f"params.yaml: {field}", "no such field", "Correct it in tuning.space")
        found = found[name]
    return found


def set_fields(params: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
    """Replace fields in place; a mapping as value replaces, or adds, these fields of a section.

    Args:
        params: A params file, plain or as ruamel.yaml keeps it with its comments.
        values: Path to new value.

    Raises:
        PathgenError: There is no such field or section.
    """
    for field, value in values.items():
        now = field_value(params, field)
        if isinstance(value, Mapping) != isinstance(now, Mapping):
            reason = "is a section" if isinstance(now, Mapping) else "is no section"
            raise PathgenError(f"params.yaml: {field}", reason, "Correct it in tuning.space")
        if isinstance(value, Mapping):
            now.update(value)
        else:
            *sections, name = field.split(".")
            field_value(params, ".".join(sections))[name] = value


def with_fields(params: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a plain params file with fields replaced (see `set_fields`)."""
    changed = copy.deepcopy(dict(params))
    set_fields(changed, values)
    return changed


def values_of(chosen: Mapping[str, Any], space: Sequence[Dimension]) -> dict[str, Any]:
    """Return the fields that a trial replaces.

    Args:
        chosen: Field to what the sampler chose.
        space: The dimensions.

    Returns:
        Path of the field to its value, for `fields.set_fields`; a variant is the mapping it stands for.
    """
    return {dimension.field: _value(dimension, chosen[dimension.field]) for dimension in space}


def changed_by(dimension: Dimension) -> list[str]:
    """Return the fields that a dimension changes: those that its variants name, or its own."""
    if dimension.variants is None:
        return [dimension.field]
    return sorted({f"{dimension.field}.{name}" for fields in dimension.variants.values() for name in fields})


def tried_values(space: Sequence[Dimension], field: str, now: Any) -> list[Any]:
    """Return what a field may be in a trial.

    Args:
        space: The dimensions.
        field: Its path, a leaf.
        now: What the params hold.

    Returns:
        Both ends, or every choice, also by variants of its section; `now` where it is not searched.
    """
    section, _, name = field.rpartition(".")
    found: list[Any] = []
    for dimension in space:
        if dimension.field == field:
            found += dimension.extremes()
        elif dimension.field == section and dimension.variants is not None:
            variants = dimension.variants.values()
            found += [fields.get(name, now) for fields in variants if any(name in one for one in variants)]
    return found or [now]


def _value(dimension: Dimension, chosen: Any) -> Any:
    if dimension.variants is not None:
        return dict(dimension.variants[chosen])
    if dimension.choices is None and isinstance(chosen, float):
        return float(f"{chosen:.{_DIGITS}g}")
    return chosen
