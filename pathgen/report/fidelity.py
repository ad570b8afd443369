"""Fidelity in a sentence, and each measure with the direction that is better. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pathgen.report.metric_table import Measure, lines_of, nested, words
from pathgen.webpage.display_names import counted

_FLOOR = "the nearer to the floor the better"
# How a measure's key begins, to what is better.
_BETTER: Mapping[str, str] = {
    "frechet": "lower",
    "kernel": "lower",
    "manifold_precision": "higher",
    "manifold_recall": "higher",
    "density": _FLOOR,
    "coverage": "higher",
    "sliced_wasserstein": "lower",
    "spectrum": "lower",
    "colour": "lower",
}


@dataclass(frozen=True)
class FidelityPart:
    """What is known of one generator's likeness.

    Attributes:
        sentence: What the measures say together; empty where there is nothing to compare.
        lines: Every measure, with what is better as its remark.
    """

    sentence: str
    lines: Sequence[Measure]


def fidelity_part(generator: str, content: Mapping[str, Any]) -> FidelityPart:
    """Put the fidelity of one generator into words.

    Args:
        generator: The generator's id.
        content: Content of its JSON file.
    """
    lines = [line if line.alone else replace(line, remark=_remark(line.name)) for line in lines_of(content)]
    compared = [
        apart
        for measures in nested(content).get("metrics", {}).get("fidelity", {}).values()
        for name, entry in measures.items()
        if isinstance(entry, Mapping) and (apart := _is_apart(name, entry)) is not None
    ]
    return FidelityPart(_sentence(generator, compared), lines)


def better(key: str) -> str:
    """Return which direction of a measure is better; empty for an unknown one.

    Args:
        key: The measure, without stage and label, e.g. ``coverage_texture-v1``.
    """
    return next((direction for begins, direction in _BETTER.items() if key.startswith(begins)), "")


def _remark(name: str) -> str:
    measure = name.rpartition(", ")[2]
    direction = next((_BETTER[key] for key in _BETTER if measure.startswith(words(key))), "")
    return f"{direction} is better" if direction in {"lower", "higher"} else direction


def _is_apart(name: str, entry: Mapping[str, Any]) -> bool | None:
    """Tell whether the interval lies on the worse side of the floor's; None where that is not known."""
    ends = [entry.get(key) for key in ("low", "high", "floor_low", "floor_high")]
    if any(end is None for end in ends):
        return None
    low, high, floor_low, floor_high = map(float, ends)  # type: ignore[arg-type]
    above, below = low > floor_high, high < floor_low
    return {"lower": above, "higher": below, _FLOOR: above or below}.get(better(name))


def _sentence(generator: str, compared: Sequence[bool]) -> str:
    if not compared:
        return ""
    apart, of = sum(compared), len(compared)
    comparisons = f"{counted(of, 'comparison')} (each measure, on each class and on both together)"
    said = (
        f"In {apart} of {comparisons} the patches of {generator} lie farther from original patches than "
        "chance explains"
    )
    if apart:
        return f"{said}: a machine can tell them from original ones."
    return f"{said}: these measures cannot tell them from original ones."
