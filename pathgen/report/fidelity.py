"""Summarise the fidelity metrics of one generator. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pathgen.report.metric_table import Measure, lines_of, nested, words
from pathgen.webpage.display_names import counted

_REMARKS: Mapping[str, str] = {
    "lower": "lower is better",
    "higher": "higher is better",
    "floor": "the nearer to the floor the better",
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
    better = {name: about["better"] for name, about in content.get("about", {}).items()}
    in_words = {words(name): _REMARKS[which] for name, which in better.items()}
    lines = [
        line if line.alone else replace(line, remark=in_words.get(line.name.rpartition(", ")[2], ""))
        for line in lines_of({key: value for key, value in content.items() if key != "about"})
    ]
    compared = [
        apart
        for measures in nested(content).get("metrics", {}).get("fidelity", {}).values()
        for name, entry in measures.items()
        if isinstance(entry, Mapping) and (apart := _is_apart(better.get(name, ""), entry)) is not None
    ]
    return FidelityPart(_sentence(generator, compared), lines)


def _is_apart(better: str, entry: Mapping[str, Any]) -> bool | None:
    """Tell whether the interval lies on the worse side of the floor's; None where that is not known."""
    ends = [entry.get(key) for key in ("low", "high", "floor_low", "floor_high")]
    if any(end is None for end in ends):
        return None
    low, high, floor_low, floor_high = map(float, ends)  # type: ignore[arg-type]
    above, below = low > floor_high, high < floor_low
    return {"lower": above, "higher": below, "floor": above or below}.get(better)


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
