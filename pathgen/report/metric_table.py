"""Fidelity and privacy results as lines of a table, whatever measures the files hold. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pathgen.report.tables import UNDEFINED
from pathgen.webpage.display_names import LABEL_WORDS

_BOUNDS = ("low", "high")
_COMPARISONS = ("floor", "expected", "control", "worst")
_LONG_LIST = 8
# What is left of a zero after adding and subtracting.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Measure:
    """One line of a fidelity or privacy table.

    Attributes:
        name: Where the value stands in the file, outer names first.
        value: The value, written for a reader.
        interval: Its interval, empty when the file gives none.
        beside: What it is to be held against: the floor between two original sets, the value
            expected without leakage, a control; empty when the file gives none.
        remark: Any further numbers and words of the same entry.
    """

    name: str
    value: str
    interval: str
    beside: str
    remark: str

    @property
    def alone(self) -> bool:
        """Whether there is nothing to be held against, as with a count or a setting."""
        return not (self.interval or self.beside or self.remark)


def write_value(value: Any) -> str:
    """Write a JSON value for a reader; null becomes the word undefined.

    Args:
        value: Text, number, truth, null, or a list of those.

    Returns:
        Text on one line; numbers to four significant digits, counts in full.
    """
    match value:
        case None:
            text = UNDEFINED
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = "0" if abs(value) < _ROUNDING else f"{value:.4g}"
        case list() if len(value) > _LONG_LIST or any(isinstance(item, list | dict) for item in value):
            text = f"{len(value)} values, see the file"
        case list():
            text = ", ".join(write_value(item) for item in value)
        case _:
            text = str(value)
    return text


def nested(content: Mapping[str, Any]) -> dict[str, Any]:
    """Unfold keys with slashes: ``{"a": 1, "a/low": 0}`` becomes ``{"a": {"value": 1, "low": 0}}``.

    Args:
        content: A JSON object; inner objects are unfolded too.

    Returns:
        The same as nested objects; a value that has parts of its own stands under ``value``.
    """
    tree: dict[str, Any] = {}
    for key, entry in content.items():
        value = nested(entry) if isinstance(entry, Mapping) else entry
        node, (*parents, last) = tree, key.split("/")
        for parent in parents:
            below = node.setdefault(parent, {})
            if not isinstance(below, dict):
                below = node[parent] = {"value": below}
            node = below
        there = node.get(last)
        if isinstance(there, dict):
            there.update(value if isinstance(value, dict) else {"value": value})
        else:
            node[last] = value
    return tree


def measures(content: Mapping[str, Any], above: str = "") -> Iterator[Measure]:
    """Turn nested results into lines, in the file's order.

    Args:
        content: The JSON object. An entry with ``value`` becomes one line with its ``low``, ``high``,
            ``floor``, ``expected`` and so on; so does one that has only the latter, its value undefined. A
            plain value becomes a line of its own; other objects are walked through.
        above: Name of the surrounding object.

    Yields:
        One line per measure.
    """
    for key, entry in content.items():
        name = f"{above}, {words(key)}" if above else words(key)
        if not isinstance(entry, Mapping):
            yield Measure(name, write_value(entry), "", "", "")
        elif "value" in entry or any(key in entry for key in _COMPARISONS):
            yield _measure(name, {"value": None, **entry})
        else:
            yield from measures(entry, name)


def lines_of(content: Mapping[str, Any]) -> list[Measure]:
    """List the measures of one file; keys begin with the stage's own name, which the section says already."""
    tree = nested(content)
    found = tree.pop("metrics", {})
    of_stage = [found.pop(stage) for stage in ("fidelity", "privacy") if stage in found]
    return [line for part in (*of_stage, found, tree) for line in measures(part)]


def words(key: str) -> str:
    """Write a key for a reader; a label becomes the word for it."""
    return LABEL_WORDS.get(key, key.replace("_", " "))


def _measure(name: str, entry: Mapping[str, Any]) -> Measure:
    low, high = _bounds(entry)
    interval = f"{write_value(low)} to {write_value(high)}" if low is not None and high is not None else ""
    beside = [f"{key} {_beside(entry, key)}" for key in _COMPARISONS if key in entry]
    bounds = {f"{key}_{end}" for key in _COMPARISONS for end in _BOUNDS}
    used = {"value", "interval", *_BOUNDS, *_COMPARISONS, *bounds}
    remark = [f"{words(key)} {_short(value)}" for key, value in entry.items() if key not in used]
    return Measure(name, write_value(entry["value"]), interval, "; ".join(beside), "; ".join(remark))


def _beside(entry: Mapping[str, Any], key: str) -> str:
    low, high = (entry.get(f"{key}_{end}") for end in _BOUNDS)
    if isinstance(entry[key], Mapping) or low is None or high is None:
        return _short(entry[key])
    return _short({"value": entry[key], "low": low, "high": high})


def _bounds(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    interval = entry.get("interval")
    if isinstance(interval, list) and len(interval) == 2:
        return interval[0], interval[1]
    return entry.get("low"), entry.get("high")


def _short(value: Any) -> str:
    """Write a value that may itself be an entry or an object, without a line of its own."""
    if not isinstance(value, Mapping):
        return write_value(value)
    if "value" not in value:
        return ", ".join(f"{words(key)} {_short(item)}" for key, item in value.items())
    low, high = _bounds(value)
    text = write_value(value["value"])
    return text if low is None or high is None else f"{text} ({write_value(low)} to {write_value(high)})"
