"""Fields of params.yaml by their dotted paths, and the values that a trial gives them."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning.settings import Dimension

_DIGITS = 3


def field_value(params: Mapping[str, Any], field: str) -> Any:
    """Return the value of a field, or a section.

    Args:
        params: Content of params.yaml.
        field: Dotted path, e.g. ``train_classifier.classifiers.cnn6.learning_rate``.

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
    """Replace fields in place; a mapping as value replaces, or adds, fields of a section.

    Args:
        params: Content of params.yaml, plain or with comments as loaded by ruamel.yaml.
        values: New values by dotted path.

    Raises:
        PathgenError: There is no such field or section.
    """
    for field, value in values.items():
        current = field_value(params, field)
        if isinstance(value, Mapping) != isinstance(current, Mapping):
            reason = "is a section" if isinstance(current, Mapping) else "is not a section"
            raise PathgenError(f"params.yaml: {field}", reason, "Correct it in tuning.space")
        if isinstance(value, Mapping):
            current.update(value)
        else:
            section, _, name = field.rpartition(".")
            field_value(params, section)[name] = value


def with_fields(params: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of params.yaml's content with fields replaced (see `set_fields`)."""
    changed = copy.deepcopy(dict(params))
    set_fields(changed, values)
    return changed


def values_of(sampled: Mapping[str, Any], space: Sequence[Dimension]) -> dict[str, Any]:
    """Convert a trial's parameters to fields of params.yaml.

    Args:
        sampled: Optuna's parameters of the trial: dotted path to sampled value.
        space: Dimensions of the search.

    Returns:
        Values by dotted path, for `set_fields`: floats rounded to three digits, a variant as the mapping
        that it names.
    """
    values = {}
    for dimension in space:
        value = sampled[dimension.field]
        if dimension.variants is not None:
            value = dict(dimension.variants[value])
        elif dimension.choices is None and isinstance(value, float):
            value = float(f"{value:.{_DIGITS}g}")
        values[dimension.field] = value
    return values


def changed_by(dimension: Dimension) -> list[str]:
    """Return the dotted paths that a dimension changes: its own, or those in its variants."""
    if dimension.variants is None:
        return [dimension.field]
    return sorted({f"{dimension.field}.{name}" for fields in dimension.variants.values() for name in fields})


def tried_values(params: Mapping[str, Any], space: Sequence[Dimension], field: str) -> list[Any]:
    """Return the extreme values of a field over all trials.

    Args:
        params: Content of params.yaml.
        space: Dimensions of the search.
        field: Dotted path of a field that is not a section.

    Returns:
        Both ends of its range, or all choices or values in variants; only its present value if it is not
        searched.
    """
    found = [
        field_value(with_fields(params, values_of({dimension.field: value}, [dimension])), field)
        for dimension in space
        if field in changed_by(dimension)
        for value in dimension.extremes()
    ]
    return found or [field_value(params, field)]
